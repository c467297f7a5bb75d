import { GPUS_MAX, type GpuFacts, type GpuProcess, unknownGpu } from './gpu-sample.ts';
import type { GpuReading } from './gpu-source.ts';
import { createProcessRoom, readProcesses } from './nvml-processes.ts';
import {
  explainNvml,
  NVML,
  type NvmlArgument,
  type NvmlFunction,
  type NvmlTable,
} from './nvml-table.ts';
import { toOneLine } from './one-line.ts';

/** `NVML_DEVICE_NAME_V2_BUFFER_SIZE`, `NVML_DEVICE_UUID_V2_BUFFER_SIZE`. */
const TEXT_BYTES = 96;
const CLOCK_SM = 1;
const CLOCK_MEM = 2;
const TEMPERATURE_GPU = 0;

/** Newest last in meaning, but `_v2` first: its entries have had one layout in every driver. */
const LIST_PROCESSES = [
  'nvmlDeviceGetComputeRunningProcesses_v2',
  'nvmlDeviceGetComputeRunningProcesses_v3',
  'nvmlDeviceGetComputeRunningProcesses',
] as const satisfies readonly NvmlFunction[];

/** Answers that say "this GPU has no such figure" and not that something is wrong. */
const NO_SUCH_FIGURE: ReadonlySet<number> = new Set([
  NVML.notSupported,
  NVML.noPermission,
  NVML.notFound,
  NVML.functionNotFound,
]);

/** Reads all GPUs, in this thread: a call may take milliseconds, and minutes when a GPU is lost. */
export interface NvmlReader {
  /** A figure that cannot be read is null and the others stay. */
  read(): GpuReading;
  close(): void;
}

interface Device {
  readonly handle: bigint;
  readonly fixed: GpuFacts;
}

/** Initialises NVML. Throws an Error that says why it cannot be used. */
export function openNvmlReader(nvml: NvmlTable): NvmlReader {
  const opened = nvml.nvmlInit_v2?.() ?? NVML.functionNotFound;
  if (opened !== NVML.success) throw new Error(explainNvml(opened));
  return new OpenReader(nvml);
}

class OpenReader implements NvmlReader {
  readonly #nvml: NvmlTable;
  readonly #driver: string | null;
  readonly #devices: readonly Device[];
  /** Of devices that could not be opened: they stay missing until the reader is opened again. */
  readonly #lost: number;
  #faults = 0;

  constructor(nvml: NvmlTable) {
    this.#nvml = nvml;
    this.#driver = this.#text('nvmlSystemGetDriverVersion');
    const count = Math.min(this.#number('nvmlDeviceGetCount_v2') ?? 0, GPUS_MAX);
    this.#devices = Array.from({ length: count }, (_, index) => this.#open(index)).filter(
      (device) => device !== null,
    );
    this.#lost = count - this.#devices.length;
  }

  read(): GpuReading {
    this.#faults = this.#lost;
    const gpus = this.#devices.map((device) => this.#readDevice(device));
    return { driver: this.#driver, gpus, faults: this.#faults };
  }

  close(): void {
    this.#nvml.nvmlShutdown?.();
  }

  #open(index: number): Device | null {
    const handles = new BigUint64Array(1);
    if (!this.#ask('nvmlDeviceGetHandleByIndex_v2', index, handles)) return null;
    const [handle = 0n] = handles;
    const name = this.#text('nvmlDeviceGetName', handle) ?? 'NVIDIA GPU';
    const uuid = this.#text('nvmlDeviceGetUUID', handle);
    return { handle, fixed: { ...unknownGpu(index), uuid, name } };
  }

  #readDevice({ handle, fixed }: Device): GpuFacts {
    const rates = new Uint32Array(2);
    const hasRates = this.#ask('nvmlDeviceGetUtilizationRates', handle, rates);
    const memory = new BigUint64Array(3);
    const hasMemory = this.#ask('nvmlDeviceGetMemoryInfo', handle, memory);
    const energy = new BigUint64Array(1);
    const hasEnergy = this.#ask('nvmlDeviceGetTotalEnergyConsumption', handle, energy);
    const powerMw = this.#number('nvmlDeviceGetPowerUsage', handle);
    const limitMw = this.#number('nvmlDeviceGetEnforcedPowerLimit', handle);
    return {
      ...fixed,
      utilisation: hasRates ? Math.min(1, (rates[0] ?? 0) / 100) : null,
      // { total, free, used }
      memoryUsedBytes: hasMemory ? Number(memory[2] ?? 0n) : null,
      memoryTotalBytes: hasMemory ? Number(memory[0] ?? 0n) : null,
      powerW: powerMw === null ? null : powerMw / 1_000,
      powerLimitW: limitMw === null ? null : limitMw / 1_000,
      energyJ: hasEnergy ? Number(energy[0] ?? 0n) / 1_000 : null,
      temperatureC: this.#number('nvmlDeviceGetTemperature', handle, TEMPERATURE_GPU),
      smClockMhz: this.#number('nvmlDeviceGetClockInfo', handle, CLOCK_SM),
      memClockMhz: this.#number('nvmlDeviceGetClockInfo', handle, CLOCK_MEM),
      isMig: this.#isMig(handle),
      processes: this.#processes(handle),
    };
  }

  #isMig(handle: bigint): boolean | null {
    const current = new Uint32Array(1);
    const pending = new Uint32Array(1);
    return this.#ask('nvmlDeviceGetMigMode', handle, current, pending) ? current[0] === 1 : null;
  }

  #processes(handle: bigint): readonly GpuProcess[] | null {
    const name = LIST_PROCESSES.find((each) => this.#nvml[each] !== undefined);
    if (name === undefined) return null;
    const room = createProcessRoom();
    if (!this.#ask(name, handle, room.count, room.entries)) return null;
    return readProcesses(room);
  }

  /** A function that ends in `unsigned int *`. */
  #number(name: NvmlFunction, ...args: NvmlArgument[]): number | null {
    const value = new Uint32Array(1);
    return this.#ask(name, ...args, value) ? (value[0] ?? null) : null;
  }

  /** A function that ends in `char *, unsigned int length`. */
  #text(name: NvmlFunction, ...args: NvmlArgument[]): string | null {
    const bytes = new Uint8Array(TEXT_BYTES);
    if (!this.#ask(name, ...args, bytes, TEXT_BYTES)) return null;
    const end = bytes.indexOf(0);
    return toOneLine(new TextDecoder().decode(bytes.subarray(0, end === -1 ? undefined : end)));
  }

  /** Whether the buffers in `args` were filled. */
  #ask(name: NvmlFunction, ...args: NvmlArgument[]): boolean {
    const code = this.#nvml[name]?.(...args) ?? NVML.functionNotFound;
    if (code !== NVML.success && !NO_SUCH_FIGURE.has(code)) this.#faults += 1;
    return code === NVML.success;
  }
}
