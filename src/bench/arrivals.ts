import type { Random } from './random.ts';

export interface Ramp {
  readonly strategy: 'linear' | 'exponential';
  readonly startRps: number;
  readonly endRps: number;
}

export interface ArrivalPlan {
  /** Requests a second. Infinity: all at once, or as fast as they end. */
  readonly requestRate: number;
  /** Shape of the gamma distribution of the gaps: 1 is Poisson, less is burstier, Infinity even. */
  readonly burstiness: number;
  readonly ramp: Ramp | null;
  /** How many there are; null when only time ends them. */
  readonly count: number | null;
  /** How long the run is, which a ramp needs to know; null when a number of requests ends it. */
  readonly durationMs: number | null;
}

/** Milliseconds from the start at which the next request should be sent; null after the last. */
export type Arrivals = () => number | null;

/**
 * An absolute schedule, drawn one by one so that it takes no memory. Gaps are gamma-distributed
 * with mean 1/rate, as in vLLM's benchmark, and stretched so that the last of `count` arrives at
 * count/rate: without that, the offered rate would be off by the luck of the seed. `open` is called
 * again for each pass and must give the same draws.
 */
export function createArrivals(plan: ArrivalPlan, open: () => Random): Arrivals {
  if (plan.requestRate === Number.POSITIVE_INFINITY && plan.ramp === null) return atOnce(plan);
  const stretch = findStretch(plan, open);
  const random = open();
  let index = 0;
  let atMs = 0;
  return () => {
    if (plan.count !== null && index >= plan.count) return null;
    atMs += drawGap(plan, random, index, atMs) * stretch;
    index += 1;
    return atMs;
  };
}

/** The rate that is asked for at a moment of the run. */
export function rateAt(plan: ArrivalPlan, index: number, atMs: number): number {
  if (plan.ramp === null) return plan.requestRate;
  const { strategy, startRps, endRps } = plan.ramp;
  const byCount = plan.count === null ? 0 : index / Math.max(1, plan.count - 1);
  const byTime = plan.durationMs === null ? 0 : atMs / plan.durationMs;
  const progress = Math.min(1, Math.max(byCount, byTime));
  if (strategy === 'linear') return startRps + (endRps - startRps) * progress;
  return startRps * (endRps / startRps) ** progress;
}

function drawGap(plan: ArrivalPlan, random: Random, index: number, atMs: number): number {
  const meanMs = 1_000 / rateAt(plan, index, atMs);
  if (plan.burstiness === Number.POSITIVE_INFINITY) return meanMs;
  return (meanMs * random.gamma(plan.burstiness)) / plan.burstiness;
}

/** A ramp is not stretched: its mean rate is what comes out of it. Nor is a run ended by time. */
function findStretch(plan: ArrivalPlan, open: () => Random): number {
  if (plan.count === null || plan.ramp !== null) return 1;
  const random = open();
  let sumMs = 0;
  for (let index = 0; index < plan.count; index += 1) sumMs += drawGap(plan, random, index, 0);
  return sumMs === 0 ? 1 : (plan.count * 1_000) / plan.requestRate / sumMs;
}

function atOnce(plan: ArrivalPlan): Arrivals {
  let left = plan.count ?? Number.POSITIVE_INFINITY;
  return () => {
    if (left === 0) return null;
    left -= 1;
    return 0;
  };
}

/** Moments known beforehand, as from a trace, from the first on; `speedup` 2 is twice as fast. */
export function replayArrivals(
  timesMs: readonly number[],
  speedup: number,
  count: number | null,
): Arrivals {
  let index = 0;
  const [firstMs = 0] = timesMs;
  const end = Math.min(count ?? timesMs.length, timesMs.length);
  return () => {
    const atMs = index < end ? timesMs[index] : undefined;
    index += 1;
    return atMs === undefined ? null : (atMs - firstMs) / speedup;
  };
}
