import type { Key } from '../core/key.ts';
import { isInForce } from './allowance.ts';
import type { ActiveBudget, Resolved } from './budget-resolver.ts';
import type { BudgetMeasure } from './budget-rule.ts';
import type { BudgetStanding } from './budgets.ts';
import type { Calendar } from './calendar.ts';
import { PurseReader } from './purse-reader.ts';
import type { PurseTable } from './purse-table.ts';
import { slotOf } from './slot.ts';
import { windowEndMs } from './window.ts';

export interface PurseInFigures {
  readonly subject: string;
  readonly purses: PurseTable;
  /** 0 for a subject that has none. */
  readonly row: number;
  readonly resolved: Resolved;
}

/** The budgets of one purse as they stand, in the order in which a request meets them. */
export function standingsOf(
  { subject, purses, row, resolved }: PurseInFigures,
  budgets: readonly ActiveBudget[],
  calendar: Calendar,
): BudgetStanding[] {
  const reader = new PurseReader(calendar);
  reader.select(purses, row, resolved.allowances);
  return budgets.map(({ rule, source, slot }) => {
    const { per, measure, window } = rule;
    reader.read(slot, rule.limit);
    const { limit, spent, held } = reader;
    const windowStartMs = calendar.startMs(window);
    const endMs = windowEndMs(window, calendar.nowMs, calendar.zone);
    const granted = resolved.allowances?.get(slot)?.grants ?? [];
    return {
      target: { per, subject, measure, window },
      rule,
      source,
      limit,
      spent,
      held,
      windowStartMs,
      resetsAtMs: Number.isFinite(endMs) ? endMs : null,
      grants: granted.filter((grant) => isInForce(grant, windowStartMs, calendar.nowMs)),
    };
  });
}

/** The budgets that a key carries itself. */
export function budgetsOfKey({ limits }: Key): ActiveBudget[] {
  const { budget, tokenBudget } = limits;
  return [
    ...(budget === null ? [] : [own('usd', budget.window, budget.nanoUsd)]),
    ...(tokenBudget === null ? [] : [own('tokens', tokenBudget.window, tokenBudget.tokens)]),
  ];
}

function own(
  measure: BudgetMeasure,
  window: ActiveBudget['rule']['window'],
  limit: number,
): ActiveBudget {
  return {
    rule: { per: 'key', name: null, measure, limit, window, alertAt: [], onExceed: 'refuse' },
    source: 'key',
    slot: slotOf(measure, window),
  };
}
