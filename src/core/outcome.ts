import type { ErrorCode } from './error.ts';
import type { Usage, UsageSource } from './usage.ts';

/**
 * How a request ended. Exactly one of these is settled for every request.
 *
 * - `served`: the caller got the whole answer.
 * - `cut`: tokens were produced, but the caller left or the backend broke midway.
 * - `refused`: no backend produced a token for it.
 * - `expired`: the gateway died with the request open; settled at the next boot.
 */
export type Outcome =
  | { readonly kind: 'served'; readonly usage: Usage; readonly source: UsageSource }
  | {
      readonly kind: 'cut';
      readonly by: 'caller' | 'backend';
      readonly code: ErrorCode;
      readonly usage: Usage;
      readonly source: UsageSource;
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  | { readonly kind: 'expired'; readonly usage: Usage; readonly source: UsageSource };

/** The outcome as one word: the `outcome` dimension of usage, metrics and logs. */
export const OUTCOME_NAMES = [
  'served',
  'cut_by_caller',
  'cut_by_backend',
  'refused',
  'expired',
] as const;
export type OutcomeName = (typeof OUTCOME_NAMES)[number];

export function outcomeName(outcome: Outcome): OutcomeName {
  if (outcome.kind !== 'cut') return outcome.kind;
  return outcome.by === 'caller' ? 'cut_by_caller' : 'cut_by_backend';
}
