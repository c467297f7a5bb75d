import type { GpuSource } from '../../src/gpu/gpu-source.ts';
import { type NvmlReader, openNvmlReader } from '../../src/gpu/nvml-reader.ts';
import {
  NVML,
  type NvmlArgument,
  type NvmlCall,
  type NvmlFunction,
  type NvmlTable,
} from '../../src/gpu/nvml-table.ts';

export interface FakeProcess {
  readonly pid: number;
  readonly memoryBytes: number;
}

/** What the driver of a test knows of one GPU. */
export interface FakeGpu {
  name: string;
  uuid: string;
  utilisation: number;
  usedBytes: number;
  totalBytes: number;
  powerMw: number;
  energyMj: number;
  isMig: boolean;
  processes: readonly FakeProcess[];
  /** Bytes of an entry of the list of processes: 16, 24 or 32. */
  entryBytes: number;
}

/** A library that writes into buffers as NVML does, and can lack functions, fail or be initialised twice. */
export interface FakeNvml {
  readonly gpus: FakeGpu[];
  readonly table: NvmlTable;
  /** What a function answers instead of filling its buffers. */
  readonly answers: Map<NvmlFunction, number>;
  /** Functions that this version does not have. */
  readonly missing: Set<NvmlFunction>;
  /** Initialised and not shut down: NVML starts afresh only at zero. */
  initialised: number;
  initialisations: number;
}

export function someGpu(change: Partial<FakeGpu> = {}): FakeGpu {
  return {
    name: 'NVIDIA H200',
    uuid: 'GPU-0b7e1f3a-0000-4000-8000-000000000000',
    utilisation: 37,
    usedBytes: 20_000_000_000,
    totalBytes: 150_754_820_096,
    powerMw: 412_345,
    energyMj: 9_876_543_210,
    isMig: false,
    processes: [{ pid: 4711, memoryBytes: 19_000_000_000 }],
    entryBytes: 24,
    ...change,
  };
}

export function createFakeNvml(gpus: FakeGpu[] = [someGpu()]): FakeNvml {
  const answers: FakeNvml['answers'] = new Map();
  const missing: FakeNvml['missing'] = new Set();
  const fake: FakeNvml = {
    ...{ gpus, answers, missing, initialised: 0, initialisations: 0 },
    get table() {
      return Object.fromEntries(
        Object.entries(functionsOf(fake))
          .filter(([name]) => !missing.has(name as NvmlFunction))
          .map(([name, call]) => [
            name,
            (...args: NvmlArgument[]) => answers.get(name as NvmlFunction) ?? call(...args),
          ]),
      );
    },
  };
  return fake;
}

/** NVML in the thread of the test, opened at the first reading as the real thread does. */
export function createFakeNvmlSource(fake: FakeNvml): GpuSource {
  let reader: NvmlReader | undefined;
  return {
    name: 'nvml',
    everyMs: 1_000,
    async read() {
      reader ??= openNvmlReader(fake.table);
      return reader.read();
    },
    close: () => reader?.close(),
  };
}

function functionsOf(fake: FakeNvml): Record<NvmlFunction, NvmlCall> {
  const gpuOf = (handle: NvmlArgument | undefined) => fake.gpus[Number(handle) - 1];
  /** A function of a device with one `unsigned int *` at the end. */
  const figure = (of: (gpu: FakeGpu, kind: number) => number) => {
    return (...args: NvmlArgument[]) => {
      const gpu = gpuOf(args[0]);
      const out = args.at(-1);
      if (gpu === undefined || !(out instanceof Uint32Array)) return NVML.gpuIsLost;
      out[0] = of(gpu, Number(args[1]));
      return NVML.success;
    };
  };
  const list =
    (entryBytes: number | null) =>
    (...args: NvmlArgument[]) => {
      const gpu = gpuOf(args[0]);
      return gpu === undefined ? NVML.gpuIsLost : writeProcesses(gpu, entryBytes, args);
    };
  return {
    nvmlInit_v2() {
      fake.initialised += 1;
      fake.initialisations += 1;
      return NVML.success;
    },
    nvmlShutdown() {
      fake.initialised -= 1;
      return NVML.success;
    },
    nvmlSystemGetDriverVersion: (out) => writeText(out, '570.86.15'),
    nvmlDeviceGetCount_v2: (out) => write(out, fake.gpus.length),
    nvmlDeviceGetHandleByIndex_v2: (index, out) => write(out, BigInt(Number(index) + 1)),
    nvmlDeviceGetName: (handle, out) => writeText(out, gpuOf(handle)?.name ?? ''),
    nvmlDeviceGetUUID: (handle, out) => writeText(out, gpuOf(handle)?.uuid ?? ''),
    nvmlDeviceGetUtilizationRates: figure((gpu) => gpu.utilisation),
    nvmlDeviceGetMemoryInfo(handle, out) {
      const gpu = gpuOf(handle);
      if (gpu === undefined || !(out instanceof BigUint64Array)) return NVML.gpuIsLost;
      const { totalBytes, usedBytes } = gpu;
      out.set([BigInt(totalBytes), BigInt(totalBytes - usedBytes), BigInt(usedBytes)]);
      return NVML.success;
    },
    nvmlDeviceGetPowerUsage: figure((gpu) => gpu.powerMw),
    nvmlDeviceGetEnforcedPowerLimit: figure(() => 700_000),
    nvmlDeviceGetTotalEnergyConsumption: (handle, out) =>
      write(out, BigInt(gpuOf(handle)?.energyMj ?? 0)),
    nvmlDeviceGetTemperature: figure(() => 61),
    nvmlDeviceGetClockInfo: figure((_, kind) => (kind === 1 ? 1_980 : 3_201)),
    nvmlDeviceGetMigMode: (handle, current) => write(current, gpuOf(handle)?.isMig ? 1 : 0),
    nvmlDeviceGetComputeRunningProcesses: list(16),
    nvmlDeviceGetComputeRunningProcesses_v2: list(24),
    nvmlDeviceGetComputeRunningProcesses_v3: list(null),
  };
}

function write(out: NvmlArgument | undefined, value: number | bigint): number {
  if (out instanceof Uint32Array) out[0] = Number(value);
  else if (out instanceof BigUint64Array) out[0] = BigInt(value);
  else return NVML.unknown;
  return NVML.success;
}

function writeText(out: NvmlArgument | undefined, text: string): number {
  if (!(out instanceof Uint8Array)) return NVML.unknown;
  out.set(new TextEncoder().encode(`${text}\0`));
  return NVML.success;
}

/** `{ u32 pid, padding, u64 used, u32, u32, u64 }`, cut off at the length of an entry. */
function writeProcesses(
  gpu: FakeGpu,
  entryBytes: number | null,
  [, count, entries]: readonly NvmlArgument[],
): number {
  if (!(count instanceof Uint32Array) || !(entries instanceof Uint8Array)) return NVML.unknown;
  const bytes = entryBytes ?? gpu.entryBytes;
  const room = count[0] ?? 0;
  count[0] = gpu.processes.length;
  if (gpu.processes.length > room) return NVML.insufficientSize;
  for (const [at, { pid, memoryBytes }] of gpu.processes.entries()) {
    const entry = new DataView(new ArrayBuffer(32));
    entry.setUint32(0, pid, true);
    entry.setBigUint64(8, memoryBytes < 0 ? 0xffff_ffff_ffff_ffffn : BigInt(memoryBytes), true);
    entry.setUint32(16, 0xffff_ffff, true);
    entry.setUint32(20, 0xffff_ffff, true);
    entries.set(new Uint8Array(entry.buffer, 0, bytes), at * bytes);
  }
  return NVML.success;
}
