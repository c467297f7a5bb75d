import { firstFigure, memberOf, parseToolJson, toFigure, toPart } from './amd-json.ts';
import {
  GPU_PROCESSES_MAX,
  GPUS_MAX,
  type GpuFacts,
  type GpuProcess,
  unknownGpu,
} from './gpu-sample.ts';
import type { GpuReading, GpuSource } from './gpu-source.ts';
import { toOneLine } from './one-line.ts';
import type { RunTool } from './run-tool.ts';

const EVERY_MS = 5_000;

/** `amd-smi` of ROCm 6 and later. */
export function createAmdSmiSource(run: RunTool): GpuSource {
  // Names and limits do not change, and each run is an interpreter that starts.
  let fixed: string | null = null;
  return {
    name: 'amd-smi',
    everyMs: EVERY_MS,
    async read() {
      fixed ??= await run(['amd-smi', 'static', '--asic', '--limit', '--driver', '--json']);
      const metric = await run(['amd-smi', 'metric', '--json']);
      if (metric === null) throw new Error('amd-smi failed');
      return parseAmdSmi(metric, fixed, await run(['amd-smi', 'process', '--json']));
    },
    close() {},
  };
}

/** Three outputs as one reading. Throws when the first is not what `amd-smi metric --json` prints. */
export function parseAmdSmi(
  metric: string,
  fixed: string | null,
  processes: string | null,
): GpuReading {
  const gpus = toGpus(parseToolJson(metric));
  if (gpus === null) throw new Error('amd-smi printed something else than GPUs');
  const facts = toGpus(parseToolJson(fixed ?? '')) ?? [];
  const apps = processes === null ? null : toGpus(parseToolJson(processes));
  const find = (list: readonly unknown[], index: number) =>
    list.find((each) => memberOf(each, 'gpu') === index);
  return {
    driver: toText(memberOf(facts[0], 'driver', 'version')),
    gpus: gpus.slice(0, GPUS_MAX).map((gpu, at) => {
      const index = toFigure(memberOf(gpu, 'gpu')) ?? at;
      return toFacts(index, gpu, find(facts, index), apps === null ? null : find(apps, index));
    }),
    faults: 0,
  };
}

/** A list, or since ROCm 7 a list in `gpu_data`. */
function toGpus(document: unknown): readonly unknown[] | null {
  const list = memberOf(document, 'gpu_data') ?? document;
  return Array.isArray(list) ? list : null;
}

function toFacts(index: number, gpu: unknown, fixed: unknown, apps: unknown): GpuFacts {
  const at = (...path: string[]) => memberOf(gpu, ...path);
  const limit = (name: string) => memberOf(fixed, 'limit', name);
  return {
    ...unknownGpu(index),
    uuid: toText(memberOf(fixed, 'asic', 'asic_serial')),
    name: toText(memberOf(fixed, 'asic', 'market_name')) ?? 'AMD GPU',
    utilisation: toPart(toFigure(at('usage', 'gfx_activity'))),
    memoryUsedBytes: toFigure(at('mem_usage', 'used_vram')),
    memoryTotalBytes: toFigure(at('mem_usage', 'total_vram')),
    powerW: firstFigure([at('power', 'socket_power'), at('power', 'current_socket_power')]),
    powerLimitW: firstFigure([
      limit('socket_power'),
      memberOf(limit('ppt0'), 'socket_power_limit'),
      limit('max_power'),
    ]),
    energyJ: toFigure(at('energy', 'total_energy_consumption')),
    temperatureC: firstFigure([at('temperature', 'hotspot'), at('temperature', 'edge')]),
    smClockMhz: toFigure(at('clock', 'gfx_0', 'clk')),
    memClockMhz: toFigure(at('clock', 'mem_0', 'clk')),
    processes: apps === null ? null : toProcesses(memberOf(apps, 'process_list')),
  };
}

function toProcesses(list: unknown): readonly GpuProcess[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, GPU_PROCESSES_MAX).flatMap((each) => {
    const info = memberOf(each, 'process_info') ?? each;
    const pid = toFigure(memberOf(info, 'pid'));
    const used = [memberOf(info, 'memory_usage', 'vram_mem'), memberOf(info, 'mem_usage')];
    return pid === null ? [] : [{ pid, memoryBytes: firstFigure(used) }];
  });
}

function toText(value: unknown): string | null {
  if (typeof value !== 'string' || value === 'N/A') return null;
  return toOneLine(value) || null;
}
