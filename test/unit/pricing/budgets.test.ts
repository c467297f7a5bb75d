import { describe, expect, test } from 'vitest';
import type { Key, Window } from '../../../src/core/key.ts';
import { fromUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../../../src/core/money.ts';
import type { BudgetRule } from '../../../src/pricing/budget-rule.ts';
import { type BudgetBook, createBudgetBook, type Hold } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { someKey } from '../../support/some-key.ts';
import { thrownBy } from '../../support/thrown.ts';

const HOUR_MS = 3_600_000;
const KEY = someKey();
const OTHER = someKey({ id: 'keyBkeyBkeyB' });
const ONE = fromUsd(1);

function budget(per: 'key' | 'all', usd: number, window: Window = 'month'): BudgetRule {
  return { per, limitNanoUsd: fromUsd(usd), window };
}

function withBudget(usd: number, window: Window, id = KEY.id): Key {
  return someKey({ id, limits: { budget: { nanoUsd: fromUsd(usd), window } } });
}

/** Wednesday, 18 November 2026, 10:30 UTC, unless said otherwise. */
function open(rules: readonly BudgetRule[], now?: string) {
  const clock = createFakeClock(now === undefined ? undefined : Date.parse(now));
  return { clock, book: createBudgetBook({ rules, clock }) };
}

function reserveAll(book: BudgetBook, key: Key, amount: NanoUsd, most = 1_000): Hold[] {
  const holds: Hold[] = [];
  for (let round = 0; round < most; round += 1) {
    try {
      holds.push(book.reserve(key, amount));
    } catch {}
  }
  return holds;
}

describe('a budget', () => {
  test('for ten holds ten, however many ask at once', () => {
    const { book } = open([budget('key', 10)]);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(10);
    expect(book.stats()).toMatchObject({ holds: 10, heldNanoUsd: fromUsd(10), refused: 990 });
  });

  test('can be used up to its last nano-dollar, and no further', () => {
    const { book } = open([budget('key', 1)]);
    book.reserve(KEY, nanoUsd(ONE - 1)).settle(nanoUsd(ONE - 1));
    expect(thrownBy(() => book.reserve(KEY, nanoUsd(2))).code).toBe('insufficient_quota');
    book.reserve(KEY, nanoUsd(1)).settle(nanoUsd(1));
    expect(thrownBy(() => book.reserve(KEY, nanoUsd(1))).code).toBe('insufficient_quota');
    // What costs nothing needs no money.
    book.reserve(KEY, ZERO_USD).settle(ZERO_USD);
  });

  test('gets back at settle what was held and not due', () => {
    const { book } = open([budget('key', 1)]);
    const most = nanoUsd(ONE * 0.9);
    for (let round = 0; round < 100; round += 1) book.reserve(KEY, most).settle(nanoUsd(1_000));
    expect(book.spent(KEY.id)).toMatchObject({ hour: 100_000, month: 100_000, total: 100_000 });
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0, refused: 0 });
  });

  test('gets everything back at cancel', () => {
    const { book } = open([budget('key', 1)]);
    for (let round = 0; round < 100; round += 1) book.reserve(KEY, ONE).cancel();
    expect(book.spent(KEY.id).total).toBe(0);
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0 });
  });

  test('counts the first of settle and cancel, once', () => {
    const { book } = open([]);
    const settled = book.reserve(KEY, ONE);
    settled.settle(ONE);
    settled.settle(ONE);
    settled.cancel();
    const cancelled = book.reserve(KEY, ONE);
    cancelled.cancel();
    cancelled.settle(ONE);
    cancelled.cancel();
    expect(book.spent(null).total).toBe(ONE);
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0 });
  });

  test('books what was due also when it is more than was held, and refuses the next', () => {
    const { book } = open([budget('key', 1)]);
    book.reserve(OTHER, ONE).settle(ONE);
    expect(book.stats().overruns).toBe(0);
    book.reserve(KEY, nanoUsd(ONE / 2)).settle(fromUsd(3));
    expect(book.spent(KEY.id).month).toBe(fromUsd(3));
    expect(book.stats()).toMatchObject({ overruns: 1, overrunNanoUsd: fromUsd(2.5) });
    expect(thrownBy(() => book.reserve(KEY, ZERO_USD)).code).toBe('insufficient_quota');
  });
});

describe('who shares a budget', () => {
  test('each key has its own', () => {
    const { book } = open([budget('key', 2)]);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(2);
    expect(reserveAll(book, OTHER, ONE)).toHaveLength(2);
  });

  test('all share one', () => {
    const { book } = open([budget('all', 3)]);
    expect(reserveAll(book, KEY, ONE, 2)).toHaveLength(2);
    expect(reserveAll(book, OTHER, ONE)).toHaveLength(1);
  });

  test('a key carries its own on top of the rules', () => {
    const { book } = open([budget('key', 5), budget('all', 6)]);
    expect(reserveAll(book, withBudget(4, 'day'), ONE)).toHaveLength(4);
    expect(reserveAll(book, OTHER, ONE)).toHaveLength(2);
    expect(reserveAll(book, withBudget(100, 'day'), ONE)).toHaveLength(0);
  });

  test('who is refused by one budget has taken nothing from the others', () => {
    const { book } = open([budget('all', 10), budget('key', 10, 'day'), budget('key', 1, 'hour')]);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(1);
    expect(book.stats()).toMatchObject({ holds: 1, heldNanoUsd: ONE, refused: 999 });
    expect(reserveAll(book, withBudget(0, 'total', 'x'), ONE)).toHaveLength(0);
    expect(book.stats()).toMatchObject({ holds: 1, heldNanoUsd: ONE });
  });
});

describe('windows', () => {
  test.each<[Window, string, string]>([
    ['hour', '2026-11-18T10:59:59.999Z', '2026-11-18T11:00:00.000Z'],
    ['day', '2026-11-18T23:59:59.999Z', '2026-11-19T00:00:00.000Z'],
    ['week', '2026-11-22T23:59:59.999Z', '2026-11-23T00:00:00.000Z'],
    ['month', '2026-11-30T23:59:59.999Z', '2026-12-01T00:00:00.000Z'],
  ])('a budget per %s is whole again a millisecond after %s', (window, last, next) => {
    const { clock, book } = open([budget('key', 1, window)], last);
    book.reserve(KEY, ONE).settle(ONE);
    const refusal = thrownBy(() => book.reserve(KEY, ONE));
    expect(refusal.message).toContain(`It resets at ${next.replace('.000', '')}.`);
    clock.setWall(Date.parse(next));
    book.reserve(KEY, ONE).settle(ONE);
    expect(book.spent(KEY.id)).toMatchObject({ [window]: ONE, total: 2 * ONE });
  });

  test('the total is never whole again', () => {
    const { clock, book } = open([budget('key', 1, 'total')]);
    book.reserve(KEY, ONE).settle(ONE);
    clock.advance(1_000 * 24 * HOUR_MS);
    expect(thrownBy(() => book.reserve(KEY, ONE)).message).toContain('It does not reset.');
  });

  test('a hold stays in the windows it was opened in', () => {
    const { clock, book } = open([budget('key', 3, 'hour'), budget('key', 4, 'day')]);
    const early = reserveAll(book, KEY, ONE, 3);
    clock.advance(HOUR_MS);
    // The new hour is empty; the day still has to keep three for those in flight.
    const [late] = reserveAll(book, KEY, ONE);
    expect(book.stats().holds).toBe(4);
    for (const hold of early) hold.settle(nanoUsd(ONE / 2));
    expect(book.spent(KEY.id)).toMatchObject({ hour: 0, day: 1.5 * ONE });
    late?.settle(ONE);
    expect(book.spent(KEY.id)).toMatchObject({ hour: ONE, day: 2.5 * ONE });
    expect(reserveAll(book, KEY, ONE)).toHaveLength(1);
  });

  test('a hold that outlives every window frees nothing in the new ones', () => {
    const { clock, book } = open([budget('all', 2, 'month')]);
    const old = book.reserve(KEY, fromUsd(2));
    clock.advance(40 * 24 * HOUR_MS);
    reserveAll(book, KEY, ONE, 1);
    old.settle(fromUsd(2));
    expect(reserveAll(book, KEY, ONE)).toHaveLength(1);
    expect(book.spent(KEY.id)).toMatchObject({ month: 0, total: fromUsd(2) });
  });

  test('a wall clock that steps back opens no window a second time', () => {
    const { clock, book } = open([budget('key', 1, 'hour')]);
    book.reserve(KEY, ONE).settle(ONE);
    clock.setWall(clock.nowMs() - 5 * HOUR_MS);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(0);
    clock.setWall(clock.nowMs() + 5 * HOUR_MS);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(0);
    clock.advance(HOUR_MS);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(1);
  });
});

describe('what was spent before', () => {
  const at = (time: string) => Date.parse(time);
  const spend = (keyId: string, time: string, usd: number) => ({
    keyId,
    hourStartMs: at(time),
    costNanoUsd: BigInt(fromUsd(usd)),
  });
  const HISTORY = [
    spend(KEY.id, '2026-11-18T10:00:00Z', 1),
    spend(KEY.id, '2026-11-18T09:00:00Z', 2),
    spend(OTHER.id, '2026-11-17T09:00:00Z', 4),
    spend(KEY.id, '2026-11-15T23:00:00Z', 8),
    spend(KEY.id, '2026-10-31T23:00:00Z', 16),
  ];

  test('is loaded into the windows it falls in', () => {
    const { book } = open([]);
    book.load(HISTORY);
    const usd = (amounts: Record<Window, number>) =>
      Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * ONE]));
    expect(book.spent(KEY.id)).toEqual(usd({ hour: 1, day: 3, week: 3, month: 11, total: 27 }));
    expect(book.spent(OTHER.id)).toEqual(usd({ hour: 0, day: 0, week: 4, month: 4, total: 4 }));
    expect(book.spent(null)).toEqual(usd({ hour: 1, day: 3, week: 7, month: 15, total: 31 }));
    expect(book.spent('nobody')).toEqual(usd({ hour: 0, day: 0, week: 0, month: 0, total: 0 }));
  });

  test('counts against a budget that comes later', () => {
    const { book } = open([]);
    book.load(HISTORY);
    book.reserve(KEY, ONE).settle(ONE);
    book.replaceRules([budget('key', 13, 'month')]);
    expect(reserveAll(book, KEY, ONE)).toHaveLength(1);
    book.replaceRules([budget('all', 17, 'month')]);
    expect(reserveAll(book, OTHER, ONE)).toHaveLength(0);
    book.replaceRules([]);
    expect(reserveAll(book, withBudget(28, 'total'), ONE)).toHaveLength(0);
  });

  test('may not be loaded over what is held', () => {
    const { book } = open([]);
    book.reserve(KEY, ONE);
    expect(() => book.load(HISTORY)).toThrow('before anything is reserved');
  });

  test('can be held against the ledger, by hour and in all', () => {
    const { clock, book } = open([]);
    book.load(HISTORY);
    book.reserve(OTHER, ONE).settle(nanoUsd(7));
    expect(book.spentThisHour()).toEqual([
      spend(KEY.id, '2026-11-18T10:00:00Z', 1),
      { keyId: OTHER.id, hourStartMs: at('2026-11-18T10:00:00Z'), costNanoUsd: 7n },
    ]);
    expect(book.spentInTotal()).toEqual([
      { keyId: KEY.id, costNanoUsd: 27_000_000_000n },
      { keyId: OTHER.id, costNanoUsd: 4_000_000_007n },
    ]);
    clock.advance(HOUR_MS);
    expect(book.spentThisHour()).toEqual([]);
    expect(book.spentInTotal()).toHaveLength(2);
  });
});

describe('what the caller is told', () => {
  test('of a budget of its own: what is left, what is held, and until when', () => {
    const { book } = open([]);
    const key = withBudget(1, 'month');
    book.reserve(key, fromUsd(0.25)).settle(fromUsd(0.25));
    book.reserve(key, fromUsd(0.5));
    expect(thrownBy(() => book.reserve(key, fromUsd(0.3))).message).toBe(
      'This request may cost up to $0.3, more than is left of the budget of this key: ' +
        '$0.25 of $1 per month, $0.5 held for requests in flight. ' +
        'It resets at 2026-12-01T00:00:00Z.',
    );
  });

  test('of the shared budget: not what others have spent', () => {
    const { book } = open([budget('all', 987)]);
    book.reserve(OTHER, fromUsd(654)).settle(fromUsd(654));
    const { message, retryAfterMs } = thrownBy(() => book.reserve(KEY, fromUsd(400)));
    expect(message).toBe(
      'This request may cost up to $400, more than the budget that all keys share per month ' +
        'can hold. It resets at 2026-12-01T00:00:00Z.',
    );
    // A client that retries would knock until the window ends.
    expect(retryAfterMs).toBeUndefined();
  });

  test('and the operator sees every budget as it stands', () => {
    const { book } = open([budget('all', 9, 'day'), budget('key', 5, 'total')]);
    const key = withBudget(3, 'hour');
    book.reserve(key, ONE).settle(ONE);
    book.reserve(OTHER, ONE);
    expect(book.standing(key)).toEqual([
      {
        per: 'all',
        window: 'day',
        limitNanoUsd: 9 * ONE,
        spentNanoUsd: ONE,
        heldNanoUsd: ONE,
        resetsAtMs: Date.parse('2026-11-19T00:00:00Z'),
      },
      {
        per: 'key',
        window: 'total',
        limitNanoUsd: 5 * ONE,
        spentNanoUsd: ONE,
        heldNanoUsd: 0,
        resetsAtMs: null,
      },
      {
        per: 'key',
        window: 'hour',
        limitNanoUsd: 3 * ONE,
        spentNanoUsd: ONE,
        heldNanoUsd: 0,
        resetsAtMs: Date.parse('2026-11-18T11:00:00Z'),
      },
    ]);
  });
});

describe('money without end', () => {
  const MOST = nanoUsd(Number.MAX_SAFE_INTEGER);

  test('sums stop at 2^53, and the largest budget still refuses there', () => {
    const { book } = open([{ per: 'all', limitNanoUsd: MOST, window: 'total' }]);
    book.load([
      { keyId: 'a', hourStartMs: 0, costNanoUsd: 2n ** 60n },
      { keyId: 'b', hourStartMs: 0, costNanoUsd: 1n },
    ]);
    expect(book.spent(null).total).toBe(MOST);
    expect(thrownBy(() => book.reserve(KEY, nanoUsd(1))).code).toBe('insufficient_quota');
  });

  test('holds never add up to more than can be counted, and all come back', () => {
    const { book } = open([]);
    const huge = book.reserve(KEY, MOST);
    expect(thrownBy(() => book.reserve(OTHER, nanoUsd(1))).code).toBe('insufficient_quota');
    huge.cancel();
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0 });
    book.reserve(OTHER, nanoUsd(1)).cancel();
  });
});
