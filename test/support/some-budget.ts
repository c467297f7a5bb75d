import { fromUsd, nanoUsd } from '../../src/core/money.ts';
import type { BudgetRule } from '../../src/pricing/budget-rule.ts';
import type { Amount, BudgetBook, Hold, Payer } from '../../src/pricing/budgets.ts';

/** A budget of one dollar per month and key, but for what is said. */
export function someBudget(said: Partial<BudgetRule> = {}): BudgetRule {
  return {
    per: 'key',
    name: null,
    measure: 'usd',
    limit: fromUsd(1),
    window: 'month',
    alertAt: [],
    onExceed: 'refuse',
    ...said,
  };
}

/** Dollars and, when it matters, tokens. */
export function amountOf(usd: number, tokens = 0): Amount {
  return { nanoUsd: fromUsd(usd), tokens };
}

export function nanoAmount(nano: number, tokens = 0): Amount {
  return { nanoUsd: nanoUsd(nano), tokens };
}

/** Every hold that was given out of so many asked for. */
export function reserveAll(book: BudgetBook, payer: Payer, amount: Amount, most = 1_000): Hold[] {
  const holds: Hold[] = [];
  for (let round = 0; round < most; round += 1) {
    try {
      holds.push(book.reserve(payer, amount));
    } catch {}
  }
  return holds;
}
