import { GPU_PROCESSES_MAX, type GpuProcess } from './gpu-sample.ts';

/** The largest of the three layouts. */
const ENTRY_BYTES_MAX = 32;

/** What no driver writes at the end of an entry: it ends in the id of a compute instance. */
const UNWRITTEN = 0xa5;

/** `NVML_VALUE_NOT_AVAILABLE`. */
const NO_VALUE = 0xffff_ffff_ffff_ffffn;

/** Room for a list of processes, to be filled by `nvmlDeviceGetComputeRunningProcesses…`. */
export interface ProcessRoom {
  /** In: how many entries fit. Out: how many there are. */
  readonly count: Uint32Array;
  readonly entries: Uint8Array;
}

export function createProcessRoom(): ProcessRoom {
  return {
    count: new Uint32Array([GPU_PROCESSES_MAX]),
    entries: new Uint8Array(GPU_PROCESSES_MAX * ENTRY_BYTES_MAX).fill(UNWRITTEN),
  };
}

/**
 * The entries of a filled room. An entry is { u32 pid, padding, u64 used bytes } of 16 bytes, with
 * two u32 instance ids 24, and with a u64 more 32. Which one `_v3` writes depends on the driver
 * (535.43 to 535.86 had the long one, without a new name), so the length is taken from how far it
 * wrote.
 */
export function readProcesses({ count, entries }: ProcessRoom): readonly GpuProcess[] {
  const length = Math.min(count[0] ?? 0, GPU_PROCESSES_MAX);
  if (length === 0) return [];
  const end = entries.findLastIndex((byte) => byte !== UNWRITTEN) + 1;
  const strideBytes = Math.ceil(end / length / 8) * 8;
  if (strideBytes < 16 || strideBytes > ENTRY_BYTES_MAX) return [];
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  return Array.from({ length }, (_, at) => {
    const used = view.getBigUint64(at * strideBytes + 8, true);
    return {
      pid: view.getUint32(at * strideBytes, true),
      memoryBytes: used === NO_VALUE ? null : Number(used),
    };
  });
}
