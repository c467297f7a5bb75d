import type { Window } from '../core/key.ts';
import type { NanoUsd } from '../core/money.ts';

/** A budget of the configuration. `all` is one purse for everybody, `key` one for each key. */
export interface BudgetRule {
  readonly per: 'key' | 'all';
  readonly limitNanoUsd: NanoUsd;
  readonly window: Window;
}
