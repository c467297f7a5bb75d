import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Price } from '../core/price.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import { costOf } from './cost.ts';

/** What a request is booked with. */
export interface AmountDue {
  readonly usage: Usage;
  /** null when the model has no price: the cost is unknown, which is not the same as nothing. */
  readonly costNanoUsd: NanoUsd | null;
  /** True when the backend did not state the final number of tokens, or none that can be. */
  readonly estimated: boolean;
}

const NOTHING: AmountDue = { usage: NO_USAGE, costNanoUsd: ZERO_USD, estimated: false };

/**
 * The settlement rule, for every way a request can end; `docs/settlement.md` says it in words and
 * is tested against it. What was produced is owed, whoever ended the request; what was never
 * produced is not. `gpuUs` is the request's share of GPU time.
 */
export function amountDue(outcome: Outcome, price: Price | null, gpuUs: number): AmountDue {
  if (outcome.kind === 'refused') return NOTHING;
  // Answered by the gateway itself (a model list): nothing was used, whatever it would cost.
  if (outcome.kind === 'served' && outcome.source === 'none') return NOTHING;
  return {
    usage: outcome.usage,
    costNanoUsd: price === null ? null : costOf(outcome.usage, price, gpuUs),
    // Of an answer that did not end, even a reported count was only a running one.
    estimated: outcome.kind !== 'served' || outcome.source !== 'reported',
  };
}
