import type { GateError } from '../core/error.ts';
import type { Plan } from './plan.ts';

/** One limit that applies to a request, as it stands now. */
export interface LimitStanding {
  /** In words, as in a refusal. */
  readonly name: string;
  readonly measure: 'requests' | 'tokens' | 'concurrent';
  readonly limit: number;
  readonly remaining: number;
  /** How long the request would have to wait for it: 0 when it has room, Infinity when it never has. */
  readonly waitMs: number;
}

/** What a request would meet, without having met it. */
export interface LimitPreview {
  readonly limits: readonly LimitStanding[];
  /** What it would be told; null when it would be let in. */
  readonly refusal: GateError | null;
}

/** When a slot comes free nobody knows: a full one is waited for without end. */
export function limitsOf(plan: Plan, tokens: number, nowMs: number): LimitStanding[] {
  const rates = (['requests', 'tokens'] as const).flatMap((measure) =>
    plan[measure].map((bucket) => ({
      name: bucket.name,
      measure,
      limit: bucket.limit,
      remaining: bucket.remaining(nowMs),
      waitMs: bucket.waitMs(measure === 'requests' ? 1 : tokens, nowMs),
    })),
  );
  const slots = plan.slots.map((each) => ({
    name: each.ceiling.name,
    measure: 'concurrent' as const,
    limit: each.ceiling.limit,
    remaining: Math.max(0, each.ceiling.limit - each.inFlight),
    waitMs: each.isFull() ? Number.POSITIVE_INFINITY : 0,
  }));
  return [...rates, ...slots];
}
