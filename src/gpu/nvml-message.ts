import type { GpuReading } from './gpu-source.ts';

export type NvmlAsk =
  | { readonly op: 'open'; readonly library: string }
  | { readonly op: 'read' }
  | { readonly op: 'close' };

/** The answer to the one question that is under way. */
export type NvmlAnswer =
  | { readonly ok: true; readonly reading: GpuReading | null }
  | { readonly ok: false; readonly problem: string };
