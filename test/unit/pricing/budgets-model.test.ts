import { expect, test } from 'vitest';
import { GateError } from '../../../src/core/error.ts';
import { type Key, WINDOWS, type Window } from '../../../src/core/key.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import type { BudgetRule } from '../../../src/pricing/budget-rule.ts';
import { createBudgetBook, type Hold } from '../../../src/pricing/budgets.ts';
import { windowStartMs } from '../../../src/pricing/window.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';
import { someKey } from '../../support/some-key.ts';

/*
 * A slow model of the book beside the real one: a list of everything that was ever held or spent,
 * summed anew for every question. Both must decide alike while holds, settlements, cancellations
 * and turning windows are mixed at random.
 */
interface Entry {
  readonly keyId: string;
  readonly openedMs: number;
  /** Held while open, the cost afterwards. */
  amount: number;
  state: 'held' | 'spent' | 'gone';
  readonly hold: Hold;
}

function someRule(random: SeededRandom): BudgetRule {
  return {
    per: random.pick(['key', 'all'] as const),
    window: random.pick(WINDOWS),
    limitNanoUsd: nanoUsd(500 + random.int(20_000)),
  };
}

/** Budgets of the rules and of the key itself, in one shape. */
function budgetsOf(key: Key, rules: readonly BudgetRule[]): BudgetRule[] {
  const own = key.limits.budget;
  if (own === null) return [...rules];
  return [...rules, { per: 'key', window: own.window, limitNanoUsd: nanoUsd(own.nanoUsd) }];
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('random traffic, seed %d', (seed) => {
  const random = createSeededRandom(seed);
  const clock = createFakeClock(Date.parse('2026-12-25T21:10:00Z'));
  const rules = Array.from({ length: 1 + random.int(4) }, () => someRule(random));
  const book = createBudgetBook({ rules, clock });
  const keys = ['a', 'b', 'c'].map((id) => {
    const budget = { nanoUsd: 500 + random.int(5_000), window: random.pick(WINDOWS) };
    return someKey({ id, limits: { budget: random.int(2) === 0 ? budget : null } });
  });
  const entries: Entry[] = [];
  let refused = 0;

  const sum = (keyId: string | null, window: Window, states: readonly string[]) =>
    entries
      .filter((entry) => keyId === null || entry.keyId === keyId)
      .filter((entry) => entry.openedMs >= windowStartMs(window, clock.nowMs()))
      .filter((entry) => states.includes(entry.state))
      .reduce((total, entry) => total + entry.amount, 0);

  const end = (entry: Entry) => {
    const settled = random.int(3) > 0;
    if (settled) {
      // Now and then more than was held.
      const actual = random.int(10) === 0 ? entry.amount * 2 : random.int(entry.amount + 1);
      entry.hold.settle(nanoUsd(actual));
      entry.amount = actual;
      entry.state = 'spent';
    } else {
      entry.hold.cancel();
      entry.state = 'gone';
    }
    if (random.int(2) === 0) entry.hold.settle(nanoUsd(99_999));
    if (random.int(2) === 0) entry.hold.cancel();
  };

  for (let step = 0; step < 400; step += 1) {
    // Mostly minutes; now and then a day, so that every kind of window turns.
    clock.advance(random.int(20) === 0 ? random.int(3 * 86_400_000) : random.int(900_000));
    const held = entries.filter(({ state }) => state === 'held');
    if (held.length > 0 && random.int(5) < 2) {
      end(random.pick(held));
      continue;
    }
    const key = random.pick(keys);
    const amount = random.int(800);
    const expected = budgetsOf(key, rules).every(({ per, window, limitNanoUsd }) => {
      const taken = sum(per === 'all' ? null : key.id, window, ['held', 'spent']);
      return taken + amount <= limitNanoUsd;
    });
    try {
      const hold = book.reserve(key, nanoUsd(amount));
      expect(expected, `step ${step}: held`).toBe(true);
      const openedMs = clock.nowMs();
      entries.push({ keyId: key.id, openedMs, amount, state: 'held', hold });
    } catch (cause) {
      if (!(cause instanceof GateError)) throw cause;
      expect(expected, `step ${step}: ${cause.message}`).toBe(false);
      refused += 1;
    }
    for (const { per, window, spentNanoUsd, heldNanoUsd } of book.standing(key)) {
      const whose = per === 'all' ? null : key.id;
      expect(spentNanoUsd).toBe(sum(whose, window, ['spent']));
      expect(heldNanoUsd).toBe(sum(whose, window, ['held']));
    }
  }

  for (const entry of entries) if (entry.state === 'held') end(entry);
  expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0, refused });
  for (const { id } of keys) {
    for (const window of WINDOWS) expect(book.spent(id)[window]).toBe(sum(id, window, ['spent']));
    for (const standing of book.standing(someKey({ id }))) expect(standing.heldNanoUsd).toBe(0);
  }
  for (const window of WINDOWS) expect(book.spent(null)[window]).toBe(sum(null, window, ['spent']));
});
