import type { Bucket } from './bucket.ts';
import type { Plan } from './plan.ts';

export interface MeasureStanding {
  /** The most that can be taken at once: the burst of the limit. */
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until all of `limit` is there again. */
  readonly resetMs: number;
}

/** The tightest limit of each measure that applies to a request; null where none does. */
export interface RateStanding {
  readonly requests: MeasureStanding | null;
  readonly tokens: MeasureStanding | null;
}

export const NO_LIMITS: RateStanding = { requests: null, tokens: null };

export function standingOf(plan: Plan, nowMs: number): RateStanding {
  return { requests: tightest(plan.requests, nowMs), tokens: tightest(plan.tokens, nowMs) };
}

/** The bucket with the smallest share left; of equals the one that holds less. */
function tightest(buckets: readonly Bucket[], nowMs: number): MeasureStanding | null {
  let found: Bucket | null = null;
  let foundShare = Number.POSITIVE_INFINITY;
  for (const bucket of buckets) {
    const share = bucket.limit > 0 ? bucket.remaining(nowMs) / bucket.limit : 0;
    if (share < foundShare || (share === foundShare && bucket.limit < (found?.limit ?? 0))) {
      found = bucket;
      foundShare = share;
    }
  }
  if (found === null) return null;
  return {
    limit: found.limit,
    remaining: found.remaining(nowMs),
    resetMs: found.resetMs(nowMs),
  };
}
