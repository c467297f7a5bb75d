import type { Window } from '../core/key.ts';
import type { BudgetMeasure } from '../pricing/budget-rule.ts';
import type { BudgetTarget } from '../pricing/budget-target.ts';

/** Which budgets of a target are meant; what is left out means all of them. */
export interface Choice {
  readonly measure?: BudgetMeasure | undefined;
  readonly window?: Window | undefined;
}

export function isChosen(of: BudgetTarget, { measure, window }: Choice): boolean {
  return (
    (measure === undefined || of.measure === measure) &&
    (window === undefined || of.window === window)
  );
}

export function isSameTarget(one: BudgetTarget, other: BudgetTarget): boolean {
  return one.per === other.per && one.subject === other.subject && isChosen(one, other);
}
