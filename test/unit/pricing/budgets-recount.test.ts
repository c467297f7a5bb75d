import { describe, expect, test } from 'vitest';
import { fromUsd } from '../../../src/core/money.ts';
import type { BudgetRule } from '../../../src/pricing/budget-rule.ts';
import { createBudgetBook, type Payer, type Spend } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { amountOf, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';

const HOUR_MS = 3_600_000;
const USD = fromUsd(1);
const ONE = amountOf(1);
const ADA: Payer = {
  key: someKey({ user: 'ada', team: 'research', tenant: 'acme' }),
  model: 'llama',
};
const BOB: Payer = {
  key: someKey({ id: 'keyBkeyBkeyB', name: 'B', user: 'bob', team: 'research', tenant: 'acme' }),
  model: 'llama',
};

/** Wednesday, 18 November 2026, 10:30 UTC. */
function open(rules: readonly BudgetRule[]) {
  const clock = createFakeClock();
  return { clock, book: createBudgetBook({ rules, clock }) };
}

describe('a recount', () => {
  const spendOf = (payer: Payer, dollars: number): Spend => ({
    ...{ keyId: payer.key.id, user: payer.key.user, team: payer.key.team },
    ...{ tenant: payer.key.tenant, model: payer.model },
    ...{ costNanoUsd: BigInt(fromUsd(dollars)), tokens: 0n },
  });
  const everywhere = (spends: Spend[]) => ({
    ...{ hour: spends, day: spends, week: spends, month: spends, total: spends },
  });

  test('replaces what was spent, adds what is spent meanwhile, and keeps what is held', () => {
    const { book } = open([someBudget({ per: 'key', limit: fromUsd(10), window: 'month' })]);
    book.reserve(ADA, amountOf(5)).settle(amountOf(5));
    const held = book.reserve(ADA, amountOf(2));
    const recount = book.recount();
    book.reserve(ADA, amountOf(1)).settle(amountOf(1));
    book.reserve(BOB, amountOf(1)).cancel();
    // The books say that it was 3, whatever the counter said.
    recount.finish(everywhere([spendOf(ADA, 3)]));
    expect(book.spent('key', ADA.key.id).usd.month).toBe(4 * USD);
    expect(book.spent('team', 'research').usd.total).toBe(4 * USD);
    expect(book.spent('all', '').usd.hour).toBe(4 * USD);
    expect(book.stats()).toMatchObject({ holds: 1, heldNanoUsd: 2 * USD });
    held.settle(amountOf(2));
    expect(book.spent('key', ADA.key.id).usd.month).toBe(6 * USD);
  });

  test('over the turn of an hour counts in the new one only what was spent in it', () => {
    const { book, clock } = open([]);
    book.reserve(ADA, amountOf(5)).settle(amountOf(5));
    const recount = book.recount();
    clock.advance(HOUR_MS);
    book.reserve(ADA, amountOf(1)).settle(amountOf(1));
    recount.finish(everywhere([spendOf(ADA, 5)]));
    const { hour, day } = book.spent('key', ADA.key.id).usd;
    expect({ hour, day }).toEqual({ hour: USD, day: 6 * USD });
  });

  test('that is abandoned changes nothing', () => {
    const { book } = open([]);
    book.reserve(ADA, ONE).settle(ONE);
    book.recount().abandon();
    expect(book.spent('key', ADA.key.id).usd.month).toBe(USD);
    book.recount().finish(everywhere([]));
    expect(book.spent('key', ADA.key.id).usd.month).toBe(0);
  });
});
