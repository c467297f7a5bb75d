import type { Window } from '../core/key.ts';

/** What is counted in one purse: everything, or everything of each of these. */
export const BUDGET_SCOPES = ['all', 'tenant', 'team', 'user', 'key', 'model'] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** `usd` is counted in nano-dollars, `tokens` in input and output tokens together. */
export type BudgetMeasure = 'usd' | 'tokens';

/** A budget of the configuration: one purse for each subject of its scope. */
export interface BudgetRule {
  readonly per: BudgetScope;
  /** Only subjects whose name matches (`*` wildcard); null is every one. */
  readonly name: string | null;
  readonly measure: BudgetMeasure;
  /** Nano-dollars or tokens. */
  readonly limit: number;
  readonly window: Window;
  /** Percentages of the limit at which an alert is sent, once in a window; ascending. */
  readonly alertAt: readonly number[];
  /** What happens to a request whose worst case does not fit but a shorter answer would. */
  readonly onExceed: 'refuse' | 'shrink';
}
