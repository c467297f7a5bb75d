import type { GpuFacts, GpuSample } from './gpu-sample.ts';

/** A gap longer than this is not filled: nobody knows what was drawn in it. */
const GAP_MS_MAX = 30_000;

/** Sums up power where a GPU does not count its energy itself. */
export interface PowerMeter {
  measure(gpus: readonly GpuFacts[], monotonicMs: number): readonly GpuSample[];
}

/** `counted`: it has a counter, so one that is missing once is not replaced by a sum. */
type Known =
  | 'counted'
  | { readonly powerW: number; readonly atMs: number; readonly joules: number };

/** Between two readings the mean of both is taken for what was drawn. */
export function createPowerMeter(): PowerMeter {
  let known = new Map<number, Known>();
  return {
    measure(gpus, atMs) {
      // Without those that are gone, so it is as large as the machine.
      const next = new Map<number, Known>();
      const samples = gpus.map((gpu): GpuSample => {
        const last = known.get(gpu.index);
        if (gpu.energyJ !== null || last === 'counted') {
          next.set(gpu.index, 'counted');
          return { ...gpu, energyFrom: gpu.energyJ === null ? null : 'counter' };
        }
        if (gpu.powerW === null) {
          if (last !== undefined) next.set(gpu.index, last);
          return { ...gpu, energyFrom: null };
        }
        const joules = addUp(last, gpu.powerW, atMs);
        next.set(gpu.index, { powerW: gpu.powerW, atMs, joules });
        return { ...gpu, energyJ: joules, energyFrom: 'power' };
      });
      known = next;
      return samples;
    },
  };
}

function addUp(last: Exclude<Known, 'counted'> | undefined, powerW: number, atMs: number): number {
  if (last === undefined) return 0;
  const passedMs = atMs - last.atMs;
  if (passedMs <= 0 || passedMs > GAP_MS_MAX) return last.joules;
  return last.joules + (((last.powerW + powerW) / 2) * passedMs) / 1_000;
}
