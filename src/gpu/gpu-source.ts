import type { GpuFacts } from './gpu-sample.ts';

export const GPU_SOURCES = ['nvml', 'nvidia-smi', 'amd-smi', 'rocm-smi'] as const;
export type GpuSourceName = (typeof GPU_SOURCES)[number];

/** One way of asking for the GPUs of this machine. */
export interface GpuSource {
  readonly name: GpuSourceName;
  /** How often it may be asked. */
  readonly everyMs: number;
  /** Never called while one is under way. Rejects when nothing could be read. */
  read(): Promise<GpuReading>;
  close(): void;
}

export interface GpuReading {
  readonly driver: string | null;
  readonly gpus: readonly GpuFacts[];
  /** Figures that should have been there and were not: their fields are null. */
  readonly faults: number;
}
