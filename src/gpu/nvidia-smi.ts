import { GPU_PROCESSES_MAX, GPUS_MAX, type GpuFacts, unknownGpu } from './gpu-sample.ts';
import type { GpuReading, GpuSource } from './gpu-source.ts';
import { toOneLine } from './one-line.ts';
import type { RunTool } from './run-tool.ts';

const EVERY_MS = 5_000;
const MIB = 1024 * 1024;

/** Fields that every version since 2015 knows: one unknown field and it prints nothing at all. */
const GPU_FIELDS = [
  ...['index', 'uuid', 'driver_version', 'name', 'utilization.gpu', 'memory.used'],
  ...['memory.total', 'power.draw', 'power.limit', 'temperature.gpu', 'clocks.sm', 'clocks.mem'],
] as const;

const GPU_QUERY = [
  'nvidia-smi',
  `--query-gpu=${GPU_FIELDS.join(',')}`,
  '--format=csv,noheader,nounits',
] as const;
const PROCESS_QUERY = [
  'nvidia-smi',
  '--query-compute-apps=gpu_uuid,pid,used_gpu_memory',
  '--format=csv,noheader,nounits',
] as const;

/** A process for every reading, where NVML itself cannot be loaded. Energy is not among its figures. */
export function createNvidiaSmiSource(run: RunTool): GpuSource {
  return {
    name: 'nvidia-smi',
    everyMs: EVERY_MS,
    async read() {
      const gpus = await run(GPU_QUERY);
      if (gpus === null) throw new Error('nvidia-smi failed');
      return parseNvidiaSmi(gpus, await run(PROCESS_QUERY));
    },
    close() {},
  };
}

/** Both outputs as one reading. What is `[N/A]`, `[Not Supported]` or anything else is null. */
export function parseNvidiaSmi(gpus: string, processes: string | null): GpuReading {
  const rows = toRows(gpus).slice(0, GPUS_MAX);
  const apps = processes === null ? null : toRows(processes);
  return {
    driver: toOneLine(rows[0]?.[2] ?? '') || null,
    gpus: rows.flatMap((row) => toGpu(row, apps)),
    faults: 0,
  };
}

function toGpu(row: readonly string[], apps: readonly (readonly string[])[] | null): GpuFacts[] {
  const index = toNumber(row[0]);
  if (index === null) return [];
  const uuid = toOneLine(row[1] ?? '') || null;
  const [, , , name = '', ...rest] = row;
  const figure = (at: number, scale = 1) => {
    const value = toNumber(rest[at]);
    return value === null ? null : value * scale;
  };
  return [
    {
      ...unknownGpu(index),
      uuid,
      name: toOneLine(name) || 'NVIDIA GPU',
      utilisation: figure(0, 1 / 100),
      memoryUsedBytes: figure(1, MIB),
      memoryTotalBytes: figure(2, MIB),
      powerW: figure(3),
      powerLimitW: figure(4),
      temperatureC: figure(5),
      smClockMhz: figure(6),
      memClockMhz: figure(7),
      processes: apps === null ? null : processesOf(uuid, apps),
    },
  ];
}

function processesOf(uuid: string | null, apps: readonly (readonly string[])[]) {
  return apps
    .filter(([ofGpu]) => ofGpu === uuid)
    .flatMap(([, pidText, usedText]) => {
      const pid = toNumber(pidText);
      const used = toNumber(usedText);
      return pid === null ? [] : [{ pid, memoryBytes: used === null ? null : used * MIB }];
    })
    .slice(0, GPU_PROCESSES_MAX);
}

function toRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()));
}

function toNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}
