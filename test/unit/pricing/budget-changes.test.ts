import { describe, expect, test } from 'vitest';
import { fromUsd } from '../../../src/core/money.ts';
import type { BudgetRule } from '../../../src/pricing/budget-rule.ts';
import type { BudgetGrant, StoredBudget } from '../../../src/pricing/budget-target.ts';
import { createBudgetBook, type Payer } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { amountOf, reserveAll, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const USD = fromUsd(1);
const ONE = amountOf(1);

const RED: Payer = { key: someKey({ team: 'red' }), model: 'llama' };
const BLUE: Payer = { key: someKey({ id: 'b', name: 'B', team: 'blue' }), model: 'llama' };

const teams = (limit: number, said: Partial<BudgetRule> = {}) =>
  someBudget({ per: 'team', limit: limit * USD, ...said });

function stored(subject: string, limit: number, said: Partial<StoredBudget> = {}): StoredBudget {
  const target = { per: 'team', subject, measure: 'usd', window: 'month' } as const;
  return { ...target, limit: limit * USD, createdAtMs: 0, ...said };
}

/** Wednesday, 18 November 2026, 10:30 UTC. */
function open(rules: readonly BudgetRule[]) {
  const clock = createFakeClock();
  const book = createBudgetBook({ rules, clock });
  const grant = (said: Partial<BudgetGrant>): BudgetGrant => ({
    per: 'team',
    subject: 'red',
    measure: 'usd',
    window: 'month',
    id: 1,
    kind: 'top_up',
    amount: USD,
    windowStartMs: said.kind === 'raise' ? null : book.starts()[said.window ?? 'month'],
    untilMs: null,
    createdAtMs: clock.nowMs(),
    ...said,
  });
  return { clock, book, grant };
}

describe('a budget made by a command', () => {
  test('takes the place of the rule of the file for that one subject', () => {
    const { book } = open([teams(2)]);
    book.replaceStored([stored('red', 4)]);
    expect(reserveAll(book, RED, ONE)).toHaveLength(4);
    expect(reserveAll(book, BLUE, ONE)).toHaveLength(2);
    expect(book.standing('team', 'red')).toMatchObject([{ source: 'command', limit: 4 * USD }]);
    book.replaceStored([]);
    expect(book.standing('team', 'red')).toMatchObject([{ source: 'file', limit: 2 * USD }]);
  });

  test('leaves other windows, measures and scopes to the file', () => {
    const { book } = open([
      teams(1, { window: 'day' }),
      someBudget({ per: 'key', limit: 9 * USD }),
    ]);
    book.replaceStored([stored('red', 50), stored('red', 9, { measure: 'tokens' })]);
    expect(reserveAll(book, RED, ONE)).toHaveLength(1);
    expect(book.standing('team', 'red')).toHaveLength(3);
  });

  test('alerts and shrinks as the rule that it replaces', () => {
    const { book } = open([teams(2, { alertAt: [50], onExceed: 'shrink' })]);
    book.replaceStored([stored('red', 4)]);
    expect(book.standing('team', 'red')[0]?.rule).toMatchObject({
      alertAt: [50],
      onExceed: 'shrink',
    });
    expect(book.room(RED, amountOf(5))).toMatchObject({ nanoUsd: 4 * USD, mayShrink: true });
  });

  test('for a pattern has one purse for each that matches, and yields to a name', () => {
    const { book } = open([teams(9)]);
    book.replaceStored([stored('*', 1), stored('blue', 3)]);
    expect(book.rules('team').unused).toEqual(['blue']);
    expect(reserveAll(book, RED, ONE)).toHaveLength(1);
    expect(reserveAll(book, BLUE, ONE)).toHaveLength(3);
    expect(book.rules('team').unused).toEqual([]);
    expect(book.rules('team').patterns).toMatchObject([{ source: 'command' }]);
  });

  test('knows what was spent before it', () => {
    const { book } = open([]);
    for (const hold of reserveAll(book, RED, ONE, 5)) hold.settle(ONE);
    book.replaceStored([stored('red', 7)]);
    expect(reserveAll(book, RED, ONE)).toHaveLength(2);
  });
});

describe('a top-up', () => {
  test('adds to one window and is gone with it', () => {
    const { clock, book, grant } = open([teams(2)]);
    book.replaceGrants([grant({ amount: 3 * USD }), grant({ id: 2, amount: USD })]);
    const holds = reserveAll(book, RED, ONE);
    expect(holds).toHaveLength(6);
    for (const hold of holds) hold.settle(ONE);
    expect(book.standing('team', 'red')).toMatchObject([
      { limit: 6 * USD, spent: 6 * USD, grants: [{ id: 1 }, { id: 2 }] },
    ]);
    expect(reserveAll(book, BLUE, ONE)).toHaveLength(2);
    clock.advance(30 * DAY_MS);
    expect(reserveAll(book, RED, ONE)).toHaveLength(2);
    expect(book.standing('team', 'red')).toMatchObject([{ limit: 2 * USD, grants: [] }]);
  });

  test('counts for every budget of its purse, measure and window', () => {
    const key = someKey({ limits: { budget: { nanoUsd: USD, window: 'day' } } });
    const { book, grant } = open([someBudget({ limit: 2 * USD, window: 'day' })]);
    book.replaceGrants([grant({ per: 'key', subject: key.id, window: 'day' })]);
    expect(reserveAll(book, { key, model: 'llama' }, ONE)).toHaveLength(2);
  });
});

describe('a raise', () => {
  test('adds to every window until its time', () => {
    const { clock, book, grant } = open([teams(1, { window: 'hour' })]);
    const untilMs = clock.nowMs() + 2 * HOUR_MS;
    book.replaceGrants([grant({ kind: 'raise', window: 'hour', amount: 2 * USD, untilMs })]);
    expect(reserveAll(book, RED, ONE)).toHaveLength(3);
    clock.advance(HOUR_MS);
    expect(reserveAll(book, RED, ONE, 2)).toHaveLength(2);
    clock.advance(HOUR_MS - 1);
    expect(reserveAll(book, RED, ONE)).toHaveLength(3);
    clock.advance(1);
    expect(book.standing('team', 'red')).toMatchObject([{ limit: USD, held: 3 * USD, grants: [] }]);
    expect(reserveAll(book, RED, ONE)).toHaveLength(0);
    clock.advance(HOUR_MS);
    expect(reserveAll(book, RED, ONE)).toHaveLength(1);
  });
});

describe('a reset', () => {
  test('takes what was spent out of the count, not what is held', () => {
    const { book, grant } = open([teams(3)]);
    book.reserve(RED, amountOf(2)).settle(amountOf(2));
    const open_ = book.reserve(RED, ONE);
    book.replaceGrants([grant({ kind: 'reset', amount: 2 * USD })]);
    expect(book.standing('team', 'red')).toMatchObject([{ limit: 3 * USD, spent: 0, held: USD }]);
    open_.settle(ONE);
    expect(book.standing('team', 'red')).toMatchObject([{ spent: USD, held: 0 }]);
    expect(reserveAll(book, RED, ONE)).toHaveLength(2);
    // The books themselves forget nothing.
    expect(book.spent('team', 'red').usd.month).toBe(3 * USD);
  });

  test('is gone with its window', () => {
    const { clock, book, grant } = open([teams(3, { window: 'day' })]);
    book.reserve(RED, amountOf(2)).settle(amountOf(2));
    book.replaceGrants([grant({ kind: 'reset', window: 'day', amount: 2 * USD })]);
    clock.advance(DAY_MS);
    book.reserve(RED, ONE).settle(ONE);
    expect(book.standing('team', 'red')).toMatchObject([{ spent: USD, grants: [] }]);
  });
});
