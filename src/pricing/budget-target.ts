import type { Window } from '../core/key.ts';
import type { BudgetMeasure, BudgetScope } from './budget-rule.ts';

/** One purse and how it is counted: what a stored budget, a grant and an alert belong to. */
export interface BudgetTarget {
  readonly per: BudgetScope;
  /** The id of the key, the name of the user, team, tenant or model; empty for `all`. */
  readonly subject: string;
  readonly measure: BudgetMeasure;
  readonly window: Window;
}

/**
 * A budget made by a command. It replaces what the file and patterns say for the same target. Its
 * subject may be a pattern (`*` wildcard) and is then one purse for each subject that matches.
 */
export interface StoredBudget extends BudgetTarget {
  /** Nano-dollars or tokens. */
  readonly limit: number;
  readonly createdAtMs: number;
}

/**
 * A change to one purse: `top_up` adds to the limit of one window, `raise` to the limit of every
 * window until a time, `reset` takes what was spent in one window out of the count.
 */
export interface BudgetGrant extends BudgetTarget {
  readonly id: number;
  readonly kind: 'top_up' | 'raise' | 'reset';
  /** Nano-dollars or tokens. */
  readonly amount: number;
  /** The window it belongs to; null for `raise`. */
  readonly windowStartMs: number | null;
  /** When a `raise` ends; null for the others. */
  readonly untilMs: number | null;
  readonly createdAtMs: number;
}
