/** One GPU at one moment. What its source cannot tell is null; nothing is made up. */
export interface GpuSample extends GpuFacts {
  /** `counter`: the GPU's own; `power`: summed up here, since the start; null without either. */
  readonly energyFrom: 'counter' | 'power' | null;
}

/** What a source says of one GPU. */
export interface GpuFacts {
  /** As the driver numbers them, from 0. */
  readonly index: number;
  readonly uuid: string | null;
  readonly name: string;
  /** Part of the time in which it did anything at all: 0 to 1. */
  readonly utilisation: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
  readonly powerW: number | null;
  readonly powerLimitW: number | null;
  /** Since the driver was loaded. */
  readonly energyJ: number | null;
  readonly temperatureC: number | null;
  readonly smClockMhz: number | null;
  readonly memClockMhz: number | null;
  /** Divided into instances (MIG): most drivers then know no utilisation of the whole. */
  readonly isMig: boolean | null;
  /** null where they cannot be listed; in a container the list is commonly empty. */
  readonly processes: readonly GpuProcess[] | null;
}

export interface GpuProcess {
  readonly pid: number;
  readonly memoryBytes: number | null;
}

/** No machine has more; a source that says so is not believed. */
export const GPUS_MAX = 64;

/** Of one GPU that are listed. */
export const GPU_PROCESSES_MAX = 256;

/** A GPU of which nothing but its place is known. */
export function unknownGpu(index: number): GpuFacts {
  return {
    index,
    uuid: null,
    name: 'unknown',
    utilisation: null,
    memoryUsedBytes: null,
    memoryTotalBytes: null,
    powerW: null,
    powerLimitW: null,
    energyJ: null,
    temperatureC: null,
    smClockMhz: null,
    memClockMhz: null,
    isMig: null,
    processes: null,
  };
}
