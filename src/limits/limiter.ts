import type { Endpoint } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { GateError, traitsOf } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { type Admission, LimitedAdmission, UNLIMITED } from './admission.ts';
import type { Bucket } from './bucket.ts';
import { isUnlimited, type Plan } from './plan.ts';
import { Planner } from './planner.ts';
import { type LimitPreview, limitsOf } from './preview.ts';
import type { LimitRule } from './rule.ts';
import { NO_LIMITS, type RateStanding, standingOf } from './standing.ts';

export type { Admission } from './admission.ts';
export type { LimitPreview, LimitStanding } from './preview.ts';
export type { MeasureStanding, RateStanding } from './standing.ts';

/** Who wants in. `model` is empty for requests that name none; rules about models pass those. */
export interface LimitSubject {
  readonly key: Key;
  readonly model: string;
  readonly endpoint: Endpoint;
}

/**
 * Decides whether there is room for a request, over every limit that applies at once: either all
 * of them are charged or none.
 */
export interface Limiter {
  /**
   * Charges one request, a slot and `tokens` (an estimate, corrected at settle). Throws
   * `rate_limit_exceeded` or `concurrency_exceeded`, which name the limit and how long to wait,
   * having taken nothing; `overloaded` when there is no room to count in.
   */
  admit(subject: LimitSubject, tokens: number): Admission;
  /** How the limits stand, for a reply to a request that was not admitted. Does not throw. */
  standing(subject: LimitSubject): RateStanding;
  /** Every limit that applies, and what `admit` would say now. Charges and counts nothing. */
  preview(subject: LimitSubject, tokens: number): LimitPreview;
  /** Counters of rules that did not change keep counting; admissions in flight end as they began. */
  replaceRules(rules: readonly LimitRule[]): void;
  stats(): LimiterStats;
}

export interface LimiterStats {
  readonly counters: number;
  /** Idle counters dropped to make room. */
  readonly evicted: number;
  readonly admitted: number;
  readonly refused: number;
}

export interface LimiterOptions {
  readonly rules: readonly LimitRule[];
  readonly clock: Clock;
  /** A refusal of requests beyond it; about 300 bytes each. */
  readonly maxCounters?: number;
}

const DEFAULT_MAX_COUNTERS = 250_000;

export function createLimiter(options: LimiterOptions): Limiter {
  const { rules, clock, maxCounters = DEFAULT_MAX_COUNTERS } = options;
  const planner = new Planner(rules, maxCounters);
  let admitted = 0;
  let refused = 0;

  return {
    admit(subject, tokens) {
      const { key, model, endpoint } = subject;
      if (planner.appliesToNobody(key)) return UNLIMITED;
      const nowMs = clock.monotonicMs();
      const plan = planner.planFor(key, model, endpoint, nowMs);
      if (isUnlimited(plan)) return UNLIMITED;
      const refusal = findRefusal(plan, tokens, nowMs);
      if (refusal !== undefined) {
        refused += 1;
        throw refusal;
      }
      admitted += 1;
      return new LimitedAdmission(plan, tokens, clock);
    },

    standing({ key, model, endpoint }) {
      if (planner.appliesToNobody(key)) return NO_LIMITS;
      const nowMs = clock.monotonicMs();
      try {
        return standingOf(planner.planFor(key, model, endpoint, nowMs), nowMs);
      } catch (cause) {
        // No room to count in. The reply that asks is a refusal already; it goes without figures.
        if (cause instanceof GateError) return NO_LIMITS;
        throw cause;
      }
    },

    preview({ key, model, endpoint }, tokens) {
      if (planner.appliesToNobody(key)) return { limits: [], refusal: null };
      const nowMs = clock.monotonicMs();
      try {
        const plan = planner.planFor(key, model, endpoint, nowMs);
        const refusal = findRefusal(plan, tokens, nowMs) ?? null;
        return { limits: limitsOf(plan, tokens, nowMs), refusal };
      } catch (cause) {
        if (cause instanceof GateError) return { limits: [], refusal: cause };
        throw cause;
      }
    },

    replaceRules(next) {
      planner.replaceRules(next);
    },

    stats() {
      return {
        counters: planner.counters.size,
        evicted: planner.counters.evicted,
        admitted,
        refused,
      };
    },
  };
}

/** The limit that keeps the request waiting longest, so that who waits that long gets in. */
function findRefusal(plan: Plan, tokens: number, nowMs: number): GateError | undefined {
  let slowest: Bucket | undefined;
  let longestMs = 0;
  for (const bucket of plan.requests) {
    const waitMs = bucket.waitMs(1, nowMs);
    if (waitMs > longestMs) {
      slowest = bucket;
      longestMs = waitMs;
    }
  }
  for (const bucket of plan.tokens) {
    const waitMs = bucket.waitMs(tokens, nowMs);
    if (waitMs > longestMs) {
      slowest = bucket;
      longestMs = waitMs;
    }
  }
  if (slowest !== undefined) return rateRefusal(slowest.name, longestMs);
  for (const slots of plan.slots) {
    if (slots.isFull()) return concurrencyRefusal(slots.ceiling.name);
  }
  return undefined;
}

function rateRefusal(name: string, waitMs: number): GateError {
  const message = `Rate limit reached: ${name}.`;
  // A limit of nothing never lets anybody in, so there is no time to name.
  if (waitMs === Number.POSITIVE_INFINITY) return new GateError('rate_limit_exceeded', message);
  return new GateError('rate_limit_exceeded', `${message} Try again in ${waitMs / 1_000} s.`, {
    retryAfterMs: waitMs,
  });
}

function concurrencyRefusal(name: string): GateError {
  // When a slot comes free depends on answers that are still being written.
  const retryAfterMs = (traitsOf('concurrency_exceeded').retryAfterSeconds ?? 1) * 1_000;
  return new GateError('concurrency_exceeded', `Too many requests in flight: at most ${name}.`, {
    retryAfterMs,
  });
}
