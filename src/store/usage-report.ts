import type { Usage } from '../core/usage.ts';

/** The words `usage --by` takes; `tag:NAME` besides. */
export const USAGE_DIMENSIONS = [
  'key',
  'user',
  'team',
  'tenant',
  'model',
  'backend',
  'endpoint',
  'outcome',
  'hour',
  'day',
  'month',
] as const;

export type UsageDimension = (typeof USAGE_DIMENSIONS)[number] | `tag:${string}`;

export interface UsageQuery {
  readonly by: readonly UsageDimension[];
  /** Inclusive, milliseconds since the epoch; rounded down to the quarter of an hour. */
  readonly sinceMs: number;
  /** Exclusive; rounded up to the quarter of an hour. */
  readonly untilMs: number;
  /** Every one must match exactly. */
  readonly where: readonly { readonly dimension: UsageDimension; readonly value: string }[];
}

export interface UsageRow extends Usage {
  /** One value per dimension of `by`, in that order; null where a request had none. */
  readonly group: readonly (string | null)[];
  readonly requests: number;
  /** Requests whose outcome is not `served`. */
  readonly errors: number;
  /** Microseconds of backends' time, shared among the requests that ran at once. */
  readonly gpuUs: number;
  /** bigint: sums may pass 2^53 nano-dollars. */
  readonly costNanoUsd: bigint;
  /** Requests without a price; their cost is unknown, not zero. */
  readonly unpriced: number;
  /** Requests whose tokens are our own count. */
  readonly estimated: number;
  /** Of `costNanoUsd`, what those requests cost. */
  readonly estimatedNanoUsd: bigint;
  /** From a histogram with 2^(1/8) wide buckets, so within 9 %; null without samples. */
  readonly ttftMsP50: number | null;
}

export interface UsageReport {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly rows: readonly UsageRow[];
  readonly total: UsageRow;
}
