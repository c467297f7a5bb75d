import type { Window } from '../core/key.ts';
import type { BudgetMeasure, BudgetScope } from '../pricing/budget-rule.ts';

/** One purse and how it is counted: what a stored budget, a grant and an alert belong to. */
export interface BudgetTarget {
  readonly per: BudgetScope;
  /** The id of the key, the name of the user, team, tenant or model; empty for `all`. */
  readonly subject: string;
  readonly measure: BudgetMeasure;
  readonly window: Window;
}

/** A budget made by a command. It replaces a rule of the file for the same target. */
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

/** A threshold that was crossed. One per target, window and threshold, whatever restarts. */
export interface BudgetAlert extends BudgetTarget {
  readonly windowStartMs: number;
  /** Percent of the limit. */
  readonly threshold: number;
  readonly limit: number;
  readonly spent: number;
  readonly atMs: number;
}

export interface BudgetStore {
  budgets(): StoredBudget[];
  putBudget(budget: StoredBudget): void;
  /** False when there was none. */
  removeBudget(target: BudgetTarget): boolean;
  /** Those that can still matter at `nowMs`. */
  grants(nowMs: number): BudgetGrant[];
  addGrant(grant: Omit<BudgetGrant, 'id'>): BudgetGrant;
  /** False when this alert is on record already. */
  addAlert(alert: BudgetAlert): boolean;
  /** Alerts not delivered yet, oldest first, at most `limit`. */
  undelivered(limit: number): BudgetAlert[];
  markDelivered(alert: BudgetAlert, atMs: number): void;
}
