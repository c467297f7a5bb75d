import { expect, test } from 'vitest';
import { createBudgetBook } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { amountOf, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';
import { thrownBy } from '../../support/thrown.ts';

test('what a reservation would be told, without one and without an alert', () => {
  let crossings = 0;
  const book = createBudgetBook({
    ...{ rules: [someBudget({ alertAt: [50] })], clock: createFakeClock() },
    onThreshold: () => {
      crossings += 1;
    },
  });
  const payer = { key: someKey(), model: 'small' };
  expect(book.refusal(payer, amountOf(1))).toBeNull();
  const hold = book.reserve(payer, amountOf(0.75));
  const refusal = book.refusal(payer, amountOf(0.5));
  expect(refusal?.code).toBe('insufficient_quota');
  expect(book.stats()).toMatchObject({ refused: 0, holds: 1 });
  expect(thrownBy(() => book.reserve(payer, amountOf(0.5)))).toEqual(refusal);
  expect(book.stats().refused).toBe(1);
  hold.cancel();
  expect(book.refusal(payer, amountOf(0.5))).toBeNull();
  expect(crossings).toBe(0);
});
