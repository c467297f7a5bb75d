import { expect, test } from 'vitest';
import { fromUsd } from '../../../src/core/money.ts';
import { createBudgetBook, type Payer } from '../../../src/pricing/budgets.ts';
import type { Crossing } from '../../../src/pricing/threshold-watch.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { amountOf, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';

const DAY_MS = 86_400_000;
const USD = fromUsd(1);
const RED: Payer = { key: someKey({ team: 'red' }), model: 'llama' };
const TEAMS = someBudget({ per: 'team', limit: 10 * USD, window: 'day', alertAt: [50, 80, 100] });

function open(rules = [TEAMS]) {
  const clock = createFakeClock();
  const told: Crossing[] = [];
  let broken = false;
  const book = createBudgetBook({
    rules,
    clock,
    onThreshold(crossing) {
      if (broken) throw new Error('the store takes nothing');
      told.push(crossing);
    },
  });
  const spend = (usd: number) => book.reserve(RED, amountOf(usd)).settle(amountOf(usd));
  const breakStore = (is: boolean) => {
    broken = is;
  };
  return { clock, book, told, spend, breakStore };
}

test('a threshold is told of once in a window, when what was spent reaches it', () => {
  const { clock, book, told, spend } = open();
  spend(4.9);
  book.reserve(RED, amountOf(5)).cancel();
  expect(told).toEqual([]);
  spend(0.1);
  expect(told).toEqual([
    {
      target: { per: 'team', subject: 'red', measure: 'usd', window: 'day' },
      windowStartMs: Date.UTC(2026, 10, 18),
      threshold: 50,
      limit: 10 * USD,
      spent: 5 * USD,
    },
  ]);
  spend(1);
  expect(told).toHaveLength(1);
  spend(4);
  expect(told.map(({ threshold }) => threshold)).toEqual([50, 80, 100]);
  spend(0);
  expect(told).toHaveLength(3);
  clock.advance(DAY_MS);
  spend(9);
  expect(told.slice(3)).toMatchObject([
    { threshold: 50, windowStartMs: Date.UTC(2026, 10, 19) },
    { threshold: 80 },
  ]);
});

test('a top-up moves the thresholds that are not yet reached', () => {
  const { book, told, spend } = open();
  spend(6);
  const target = { per: 'team', subject: 'red', measure: 'usd', window: 'day' } as const;
  const windowStartMs = book.starts().day;
  const rest = { id: 1, windowStartMs, untilMs: null, createdAtMs: 0 };
  book.replaceGrants([{ ...target, ...rest, kind: 'top_up', amount: 10 * USD }]);
  spend(9.9);
  expect(told).toHaveLength(1);
  spend(0.1);
  expect(told.at(-1)).toMatchObject({ threshold: 80, limit: 20 * USD, spent: 16 * USD });
});

test('a limit that is lowered below what was spent is told of, though it lets nothing in', () => {
  const { book, told, spend } = open();
  spend(4);
  book.replaceRules([{ ...TEAMS, limit: 3 * USD }]);
  expect(told).toEqual([]);
  expect(() => spend(1)).toThrow('can hold');
  expect(() => spend(1)).toThrow('can hold');
  expect(told.map(({ threshold }) => threshold)).toEqual([50, 80, 100]);
});

test('what nobody took is told again a minute later, and no settlement fails for it', () => {
  const { clock, book, told, spend, breakStore } = open();
  breakStore(true);
  spend(6);
  spend(1);
  expect(book.stats().alertsFailed).toBe(1);
  breakStore(false);
  spend(0.5);
  expect(told).toEqual([]);
  clock.advance(60_000);
  spend(0.5);
  expect(told).toMatchObject([{ threshold: 50 }, { threshold: 80 }]);
  expect(book.spent('team', 'red').usd.day).toBe(8 * USD);
});

test('two rules for one purse tell of their own thresholds', () => {
  const small = { ...TEAMS, name: 'r*', limit: 4 * USD, alertAt: [100] };
  const { told, spend } = open([TEAMS, small]);
  spend(4);
  spend(0);
  expect(told).toMatchObject([{ threshold: 100, limit: 4 * USD }]);
});
