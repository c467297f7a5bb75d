import { fromUsd } from '../core/money.ts';
import type { BudgetMeasure } from '../pricing/budget-rule.ts';
import type { StoredBudget } from '../pricing/budget-target.ts';
import { isChosen, isSameTarget } from './budget-choice.ts';
import {
  type BudgetDesk,
  type BudgetOperationsParts,
  noBudget,
  recordBudgetEvent,
  refreshDesk,
  STORED_MAX,
  showTarget,
  tooMany,
} from './budget-desk.ts';
import { type BudgetRef, parseBudgetRef } from './budget-ref.ts';
import { BudgetChoice, type BudgetList, BudgetSetting } from './budget-schemas.ts';
import { amountsOf } from './budget-view.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

/**
 * Budgets in the place of what was said for their measure and window. Like every change here it
 * reads, decides and writes in one turn of the event loop, and is written with the event that
 * tells of it or not at all.
 */
export function setBudget(
  parts: BudgetOperationsParts,
  desk: BudgetDesk,
  target: string,
  input: BudgetSetting,
): BudgetList {
  const { usd, tokens } = parseInput(BudgetSetting, input);
  const { store, clock } = parts;
  const ref = parseBudgetRef(target, store.keys);
  const stored = store.budgets.budgets();
  const shape = { per: ref.per, subject: ref.subject, createdAtMs: clock.nowMs() };
  const budgets: StoredBudget[] = [];
  if (usd !== undefined) {
    const limit = fromUsd(Number(usd.limit_usd));
    budgets.push({ ...shape, measure: 'usd', window: usd.window, limit });
  }
  if (tokens !== undefined) {
    const { limit_tokens: limit, window } = tokens;
    budgets.push({ ...shape, measure: 'tokens', window, limit });
  }
  if (stored.length + budgets.length > STORED_MAX) throw tooMany('budgets');
  store.transact(() => {
    for (const budget of budgets) {
      const before = stored.find((old) => isSameTarget(old, budget));
      store.budgets.putBudget(budget);
      recordBudgetEvent(parts, 'budget.set', ref, {
        before: before === undefined ? null : toEvent(before),
        after: toEvent(budget),
      });
    }
  });
  refreshDesk(parts, desk);
  return showTarget(parts, desk, ref);
}

export function removeBudget(
  parts: BudgetOperationsParts,
  desk: BudgetDesk,
  target: string,
  input: BudgetChoice,
): BudgetList {
  const choice = parseInput(BudgetChoice, input);
  const { store } = parts;
  const ref = parseBudgetRef(target, store.keys);
  const budgets = store.budgets
    .budgets()
    .filter(({ per, subject }) => per === ref.per && subject === ref.subject)
    .filter((budget) => isChosen(budget, choice));
  if (budgets.length === 0) throw nothingToRemove(showTarget(parts, desk, ref), ref, desk);
  store.transact(() => {
    for (const budget of budgets) {
      store.budgets.removeBudget(budget);
      recordBudgetEvent(parts, 'budget.remove', ref, { before: toEvent(budget), after: null });
    }
  });
  refreshDesk(parts, desk);
  return showTarget(parts, desk, ref);
}

function nothingToRemove(shown: BudgetList, ref: BudgetRef, desk: BudgetDesk): OperationError {
  const sources = new Set(shown.budgets.map(({ source }) => source));
  if (sources.has('file')) {
    return new OperationError(
      'conflict',
      `the budgets of ${ref.text} are of the configuration and are changed there`,
    );
  }
  if (sources.has('key')) {
    return new OperationError(
      'conflict',
      `the budgets of ${ref.text} are the key's own: llmgate keys update changes them`,
    );
  }
  return noBudget(ref, desk);
}

function toEvent({ measure, window, limit }: StoredBudget): Readonly<Record<string, unknown>> {
  return { measure, window, ...limitsOf(measure, limit) };
}

function limitsOf(measure: BudgetMeasure, limit: number): Readonly<Record<string, unknown>> {
  const { amount_usd: limit_usd, amount_tokens: limit_tokens } = amountsOf(measure, limit);
  return measure === 'usd' ? { limit_usd } : { limit_tokens };
}
