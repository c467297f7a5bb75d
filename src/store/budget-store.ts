import type { BudgetGrant, BudgetTarget, StoredBudget } from '../pricing/budget-target.ts';

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
