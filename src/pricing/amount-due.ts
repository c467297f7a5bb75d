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
  /** True when the backend did not state the final number of tokens. */
  readonly estimated: boolean;
}

const NOTHING: AmountDue = { usage: NO_USAGE, costNanoUsd: ZERO_USD, estimated: false };

/**
 * The settlement rule, for every way a request can end; `docs/settlement.md` says it in words and
 * is tested against it. What was produced is owed, whoever ended the request; what was never
 * produced is not.
 */
export function amountDue(outcome: Outcome, price: Price | null): AmountDue {
  switch (outcome.kind) {
    case 'served':
      // Answered by the gateway itself (a model list): nothing was used, whatever it would cost.
      if (outcome.source === 'none') return NOTHING;
      return due(outcome.usage, price, outcome.source === 'counted');
    case 'cut':
    case 'expired':
      // Even a reported count was only a running one: nobody knows the last.
      return due(outcome.usage, price, true);
    case 'refused':
      return NOTHING;
  }
}

function due(usage: Usage, price: Price | null, estimated: boolean): AmountDue {
  return { usage, costNanoUsd: price === null ? null : costOf(usage, price), estimated };
}
