import { describe, expect, test } from 'vitest';
import type { Key, Window } from '../../../src/core/key.ts';
import { fromUsd, nanoUsd } from '../../../src/core/money.ts';
import type { BudgetRule, BudgetScope } from '../../../src/pricing/budget-rule.ts';
import { createBudgetBook, type Payer, type Spend } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { amountOf, nanoAmount, reserveAll, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';
import { thrownBy } from '../../support/thrown.ts';

const HOUR_MS = 3_600_000;
const ADA: Payer = {
  key: someKey({ user: 'ada', team: 'research', tenant: 'acme' }),
  model: 'llama',
};
const BOB: Payer = {
  key: someKey({ id: 'keyBkeyBkeyB', name: 'B', user: 'bob', team: 'research', tenant: 'acme' }),
  model: 'llama',
};
const NOBODY: Payer = { key: someKey({ id: 'keyCkeyCkeyC', name: 'C' }), model: 'qwen' };

const ONE = amountOf(1);
const NOTHING = amountOf(0);
const USD = fromUsd(1);

const usd = (per: BudgetScope, dollars: number, window: Window = 'month', name?: string) =>
  someBudget({ per, limit: fromUsd(dollars), window, name: name ?? null });
const tokens = (per: BudgetScope, limit: number, window: Window = 'month') =>
  someBudget({ per, limit, window, measure: 'tokens' });

function withLimits(limits: Partial<Key['limits']>, id = ADA.key.id): Payer {
  return { key: someKey({ id, limits }), model: 'llama' };
}

function withBudget(dollars: number, window: Window, id?: string): Payer {
  return withLimits({ budget: { nanoUsd: fromUsd(dollars), window } }, id);
}

/** Wednesday, 18 November 2026, 10:30 UTC, unless said otherwise. */
function open(rules: readonly BudgetRule[], now?: string, timezone?: string) {
  const clock = createFakeClock(now === undefined ? undefined : Date.parse(now));
  const zone = timezone === undefined ? {} : { timezone };
  return { clock, book: createBudgetBook({ rules, clock, ...zone }) };
}

describe('a budget', () => {
  test('for ten holds ten, however many ask at once', () => {
    const { book } = open([usd('key', 10)]);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(10);
    expect(book.stats()).toMatchObject({ holds: 10, heldNanoUsd: 10 * USD, refused: 990 });
  });

  test('can be used up to its last nano-dollar, and no further', () => {
    const { book } = open([usd('key', 1)]);
    book.reserve(ADA, nanoAmount(USD - 1)).settle(nanoAmount(USD - 1));
    expect(thrownBy(() => book.reserve(ADA, nanoAmount(2))).code).toBe('insufficient_quota');
    book.reserve(ADA, nanoAmount(1)).settle(nanoAmount(1));
    expect(thrownBy(() => book.reserve(ADA, nanoAmount(1))).code).toBe('insufficient_quota');
    // What costs nothing needs no money.
    book.reserve(ADA, NOTHING).settle(NOTHING);
  });

  test('of tokens counts input and output, whatever they cost', () => {
    const { book } = open([tokens('key', 1_000)]);
    book.reserve(ADA, amountOf(50, 900)).settle(amountOf(50, 400));
    expect(thrownBy(() => book.reserve(ADA, amountOf(0, 601))).code).toBe('insufficient_quota');
    book.reserve(ADA, amountOf(0, 600)).settle(amountOf(0, 600));
    expect(book.spent('key', ADA.key.id).tokens).toMatchObject({ hour: 1_000, total: 1_000 });
  });

  test('gets back at settle what was held and not due', () => {
    const { book } = open([usd('key', 1), tokens('key', 100)]);
    for (let round = 0; round < 100; round += 1) {
      book.reserve(ADA, amountOf(0.9, 1)).settle(nanoAmount(1_000, 1));
    }
    const spent = book.spent('key', ADA.key.id);
    expect(spent.usd).toMatchObject({ hour: 100_000, month: 100_000, total: 100_000 });
    expect(spent.tokens).toMatchObject({ hour: 100, month: 100, total: 100 });
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0, heldTokens: 0, refused: 0 });
  });

  test('gets everything back at cancel', () => {
    const { book } = open([usd('key', 1)]);
    for (let round = 0; round < 100; round += 1) book.reserve(ADA, ONE).cancel();
    expect(book.spent('key', ADA.key.id).usd.total).toBe(0);
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0 });
  });

  test('counts the first of settle and cancel, once', () => {
    const { book } = open([]);
    const settled = book.reserve(ADA, ONE);
    settled.settle(ONE);
    settled.settle(ONE);
    settled.cancel();
    const cancelled = book.reserve(ADA, ONE);
    cancelled.cancel();
    cancelled.settle(ONE);
    cancelled.cancel();
    expect(book.spent('all', '').usd.total).toBe(USD);
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0 });
  });

  test('books what was due also when it is more than was held, and refuses the next', () => {
    const { book } = open([usd('key', 1)]);
    book.reserve(BOB, ONE).settle(ONE);
    expect(book.stats().overruns).toBe(0);
    book.reserve(ADA, amountOf(0.5, 10)).settle(amountOf(3, 15));
    expect(book.spent('key', ADA.key.id).usd.month).toBe(3 * USD);
    expect(book.stats()).toMatchObject({
      overruns: 1,
      overrunNanoUsd: 2.5 * USD,
      overrunTokens: 5,
    });
    expect(thrownBy(() => book.reserve(ADA, NOTHING)).code).toBe('insufficient_quota');
  });

  test('takes nothing back for a negative figure, and stays a number', () => {
    const { book } = open([tokens('key', 100)]);
    book.reserve(ADA, amountOf(0, 10)).settle({ nanoUsd: nanoUsd(0), tokens: -50 });
    book.reserve(ADA, amountOf(0, 10)).settle({ nanoUsd: nanoUsd(0), tokens: Number.NaN });
    expect(book.spent('key', ADA.key.id).tokens.total).toBe(0);
  });
});

describe('who shares a budget', () => {
  test.each<[BudgetScope, number, number, number]>([
    // Scope, then how many of five each get: Ada, then Bob of her team, then somebody else.
    ['all', 3, 0, 0],
    ['tenant', 3, 0, 5],
    ['team', 3, 0, 5],
    ['user', 3, 3, 5],
    ['key', 3, 3, 3],
    ['model', 3, 0, 3],
  ])('per %s', (per, ada, bob, nobody) => {
    const { book } = open([usd(per, 3)]);
    expect(reserveAll(book, ADA, ONE, 5)).toHaveLength(ada);
    expect(reserveAll(book, BOB, ONE, 5)).toHaveLength(bob);
    // Who names no user, team or tenant is in no such purse: nothing bounds it there.
    expect(reserveAll(book, NOBODY, ONE, 5)).toHaveLength(nobody);
  });

  test('only those whose name matches, and keys by their name', () => {
    const { book } = open([usd('key', 1, 'day', 'ci-*'), usd('model', 2, 'day', 'q*')]);
    const ci: Payer = { key: someKey({ name: 'ci-7' }), model: 'llama' };
    expect(reserveAll(book, ci, ONE, 5)).toHaveLength(1);
    expect(reserveAll(book, BOB, ONE, 5)).toHaveLength(5);
    expect(reserveAll(book, NOBODY, ONE, 5)).toHaveLength(2);
    // A key that gets another name gets what is said of that name.
    const renamed: Payer = { key: someKey({ name: 'adas' }), model: 'llama' };
    expect(reserveAll(book, renamed, ONE, 5)).toHaveLength(5);
  });

  test('a key carries its own on top of the rules', () => {
    const { book } = open([usd('key', 5), usd('all', 6)]);
    expect(reserveAll(book, withBudget(4, 'day'), ONE)).toHaveLength(4);
    expect(reserveAll(book, BOB, ONE)).toHaveLength(2);
    const { book: other } = open([]);
    const own = withLimits({ tokenBudget: { tokens: 25, window: 'hour' } });
    expect(reserveAll(other, own, amountOf(1, 10))).toHaveLength(2);
  });

  test('who is refused by one budget has taken nothing from the others', () => {
    const rules = [usd('all', 10), usd('team', 10, 'day'), usd('user', 1, 'hour'), usd('model', 9)];
    const { book } = open([...rules, tokens('tenant', 100)]);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(1);
    expect(thrownBy(() => book.reserve(BOB, amountOf(1, 101))).message).toContain('"acme"');
    expect(book.stats()).toMatchObject({ holds: 1, heldNanoUsd: USD, heldTokens: 0 });
    for (const per of ['all', 'tenant', 'team', 'user', 'key', 'model'] as const) {
      for (const subject of book.subjects(per)) {
        for (const { held } of book.standing(per, subject)) expect(held).toBeLessThanOrEqual(USD);
      }
    }
  });
});

describe('the room that is left', () => {
  test('is the least of all budgets that apply', () => {
    const { book } = open([usd('all', 9), usd('team', 5), tokens('user', 800, 'day')]);
    book.reserve(ADA, amountOf(2, 300)).settle(amountOf(2, 300));
    expect(book.room(ADA, ONE)).toEqual({
      nanoUsd: 3 * USD,
      tokens: 500,
      mayShrink: true,
      limited: true,
    });
    expect(book.room(NOBODY, ONE)).toMatchObject({
      nanoUsd: 7 * USD,
      tokens: Number.POSITIVE_INFINITY,
    });
  });

  test('is endless where no budget applies', () => {
    const { book } = open([usd('team', 5)]);
    const endless = Number.POSITIVE_INFINITY;
    const room = { nanoUsd: endless, tokens: endless, mayShrink: true, limited: false };
    expect(book.room(NOBODY, ONE)).toEqual(room);
  });

  test('may be shrunk into when every budget in the way says so', () => {
    const shrink = { ...usd('all', 1), onExceed: 'shrink' } as const;
    const { book } = open([shrink, usd('team', 3)]);
    expect(book.room(ADA, amountOf(2))).toMatchObject({ nanoUsd: USD, mayShrink: true });
    expect(book.room(ADA, amountOf(4))).toMatchObject({ nanoUsd: USD, mayShrink: false });
    // The budget of a key itself refuses.
    expect(book.room(withBudget(1, 'day'), amountOf(2)).mayShrink).toBe(false);
    expect(book.stats()).toMatchObject({ holds: 0, refused: 0 });
  });

  test('is nothing, not less, after an overrun', () => {
    const { book } = open([usd('all', 1)]);
    book.reserve(ADA, ONE).settle(amountOf(2));
    expect(book.room(ADA, ONE).nanoUsd).toBe(0);
  });
});

describe('windows', () => {
  test.each<[Window, string, string]>([
    ['hour', '2026-11-18T10:59:59.999Z', '2026-11-18T11:00:00.000Z'],
    ['day', '2026-11-18T23:59:59.999Z', '2026-11-19T00:00:00.000Z'],
    ['week', '2026-11-22T23:59:59.999Z', '2026-11-23T00:00:00.000Z'],
    ['month', '2026-11-30T23:59:59.999Z', '2026-12-01T00:00:00.000Z'],
  ])('a budget per %s is whole again a millisecond after %s', (window, last, next) => {
    const { clock, book } = open([usd('team', 1, window)], last);
    book.reserve(ADA, ONE).settle(ONE);
    const refusal = thrownBy(() => book.reserve(BOB, ONE));
    expect(refusal.message).toContain(`It resets at ${next.replace('.000', '')}.`);
    clock.setWall(Date.parse(next));
    book.reserve(BOB, ONE).settle(ONE);
    expect(book.spent('team', 'research').usd).toMatchObject({ [window]: USD, total: 2 * USD });
  });

  test('follow the calendar of the zone', () => {
    const { clock, book } = open([usd('key', 1, 'day')], '2026-10-24T22:30:00Z', 'Europe/Berlin');
    book.reserve(ADA, ONE).settle(ONE);
    // The day on which clocks go back has 25 hours.
    expect(thrownBy(() => book.reserve(ADA, ONE)).message).toContain('2026-10-25T23:00:00Z');
    clock.setWall(Date.parse('2026-10-25T22:59:59Z'));
    expect(reserveAll(book, ADA, ONE, 1)).toHaveLength(0);
    clock.setWall(Date.parse('2026-10-25T23:00:00Z'));
    expect(reserveAll(book, ADA, ONE, 1)).toHaveLength(1);
  });

  test('the total is never whole again', () => {
    const { clock, book } = open([usd('key', 1, 'total')]);
    book.reserve(ADA, ONE).settle(ONE);
    clock.advance(1_000 * 24 * HOUR_MS);
    expect(thrownBy(() => book.reserve(ADA, ONE)).message).toContain('It does not reset.');
  });

  test('a hold stays in the windows it was opened in', () => {
    const { clock, book } = open([usd('key', 3, 'hour'), usd('key', 4, 'day')]);
    const early = reserveAll(book, ADA, ONE, 3);
    clock.advance(HOUR_MS);
    // The new hour is empty; the day still has to keep three for those in flight.
    const [late] = reserveAll(book, ADA, ONE);
    expect(book.stats().holds).toBe(4);
    for (const hold of early) hold.settle(amountOf(0.5));
    expect(book.spent('key', ADA.key.id).usd).toMatchObject({ hour: 0, day: 1.5 * USD });
    late?.settle(ONE);
    expect(book.spent('key', ADA.key.id).usd).toMatchObject({ hour: USD, day: 2.5 * USD });
    expect(reserveAll(book, ADA, ONE)).toHaveLength(1);
  });

  test('a hold that outlives every window frees nothing in the new ones', () => {
    const { clock, book } = open([usd('all', 2, 'month')]);
    const old = book.reserve(ADA, amountOf(2));
    clock.advance(40 * 24 * HOUR_MS);
    reserveAll(book, ADA, ONE, 1);
    old.settle(amountOf(2));
    expect(reserveAll(book, ADA, ONE)).toHaveLength(1);
    expect(book.spent('all', '').usd).toMatchObject({ month: 0, total: 2 * USD });
  });

  test('a wall clock that steps back opens no window a second time', () => {
    const { clock, book } = open([usd('key', 1, 'hour')]);
    book.reserve(ADA, ONE).settle(ONE);
    clock.setWall(clock.nowMs() - 5 * HOUR_MS);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(0);
    clock.setWall(clock.nowMs() + 5 * HOUR_MS);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(0);
    clock.advance(HOUR_MS);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(1);
  });
});

describe('what was spent before', () => {
  const spend = (payer: Payer, dollars: number, count = 0): Spend => ({
    keyId: payer.key.id,
    user: payer.key.user,
    team: payer.key.team,
    tenant: payer.key.tenant,
    model: payer.model,
    costNanoUsd: BigInt(fromUsd(dollars)),
    tokens: BigInt(count),
  });
  const HISTORY: Record<Window, Spend[]> = {
    hour: [spend(ADA, 1, 10)],
    day: [spend(ADA, 3, 30)],
    week: [spend(ADA, 3, 30), spend(BOB, 4, 40)],
    month: [spend(ADA, 11, 110), spend(BOB, 4, 40)],
    total: [spend(ADA, 27, 270), spend(BOB, 4, 40), spend(NOBODY, 1, 10)],
  };

  const dollars = (amounts: Record<Window, number>) =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * USD]));

  test('is loaded into every scope and window', () => {
    const { book } = open([]);
    book.load(HISTORY);
    expect(book.spent('key', ADA.key.id).usd).toEqual(
      dollars({ hour: 1, day: 3, week: 3, month: 11, total: 27 }),
    );
    expect(book.spent('team', 'research').usd).toEqual(
      dollars({ hour: 1, day: 3, week: 7, month: 15, total: 31 }),
    );
    expect(book.spent('model', 'llama').tokens).toMatchObject({ week: 70, total: 310 });
    expect(book.spent('all', '').usd).toMatchObject({ total: 32 * USD });
    expect(book.spent('user', 'nobody').usd).toMatchObject({ hour: 0, total: 0 });
  });

  test('counts against a budget that comes later', () => {
    const { book } = open([]);
    book.load(HISTORY);
    book.reserve(ADA, ONE).settle(ONE);
    book.replaceRules([usd('user', 13, 'month')]);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(1);
    book.replaceRules([usd('team', 18, 'month')]);
    expect(reserveAll(book, BOB, ONE)).toHaveLength(1);
    book.replaceRules([]);
    expect(reserveAll(book, withBudget(28, 'total'), ONE)).toHaveLength(0);
  });

  test('is nothing in a window that turned while it was loaded', () => {
    const { clock, book } = open([usd('key', 1, 'hour')], '2026-11-18T10:59:59Z');
    expect(book.starts()).toEqual({
      hour: Date.parse('2026-11-18T10:00:00Z'),
      day: Date.parse('2026-11-18T00:00:00Z'),
      week: Date.parse('2026-11-16T00:00:00Z'),
      month: Date.parse('2026-11-01T00:00:00Z'),
      total: 0,
    });
    clock.advance(2_000);
    book.load(HISTORY);
    expect(reserveAll(book, ADA, ONE)).toHaveLength(1);
    expect(book.spent('key', ADA.key.id).usd).toMatchObject({ hour: 0, day: 3 * USD });
  });

  test('may not be loaded over what is held', () => {
    const { book } = open([]);
    book.reserve(ADA, ONE);
    expect(() => book.load(HISTORY)).toThrow('nothing is held');
  });

  test('can be held against the ledger, by scope and subject', () => {
    const { book } = open([]);
    book.load(HISTORY);
    book.reserve(BOB, ONE).settle(nanoAmount(7, 3));
    const totals = book.spentInTotal();
    expect(totals).toHaveLength(1 + 1 + 1 + 2 + 3 + 2);
    expect(totals).toContainEqual({
      per: 'team',
      subject: 'research',
      costNanoUsd: 31_000_000_007n,
      tokens: 313n,
    });
  });
});

describe('what the caller is told', () => {
  test('of a budget of its own: what is left, what is held, and until when', () => {
    const { book } = open([]);
    const payer = withBudget(1, 'month');
    book.reserve(payer, amountOf(0.25)).settle(amountOf(0.25));
    book.reserve(payer, amountOf(0.5));
    expect(thrownBy(() => book.reserve(payer, amountOf(0.3))).message).toBe(
      'This request may cost up to $0.3, more than is left of the budget of this key: ' +
        '$0.25 of $1 per month, $0.5 held for requests in flight. ' +
        'It resets at 2026-12-01T00:00:00Z. ' +
        'A lower max_tokens asks for less; the operator can raise the budget.',
    );
    const { book: other } = open([tokens('key', 100, 'day')]);
    expect(thrownBy(() => other.reserve(ADA, amountOf(0, 101))).message).toContain(
      'This request may use up to 101 tokens, more than is left of the token budget of this key: ' +
        '100 of 100 tokens per day. It resets at',
    );
  });

  test.each<[BudgetScope, string]>([
    ['all', 'the budget that all keys share per month'],
    ['tenant', 'the budget of tenant "acme" per month'],
    ['team', 'the budget of team "research" per month'],
    ['user', 'the budget of user "ada" per month'],
    ['model', 'the budget of model "llama" per month'],
  ])('of a budget per %s: not what others have spent', (per, name) => {
    const { book } = open([usd(per, 987)]);
    book.reserve(ADA, amountOf(654)).settle(amountOf(654));
    const { message, retryAfterMs } = thrownBy(() => book.reserve(ADA, amountOf(400)));
    expect(message).toContain(`This request may cost up to $400, more than ${name} can hold.`);
    expect(message).not.toMatch(/654|987|333/);
    // A client that retries would knock until the window ends.
    expect(retryAfterMs).toBeUndefined();
  });

  test('and the operator sees every budget as it stands', () => {
    const key = withBudget(3, 'hour').key;
    const rule = usd('key', 5, 'total');
    const { book } = open([usd('all', 9, 'day'), rule]);
    book.reserve({ key, model: 'llama' }, ONE).settle(ONE);
    book.reserve(BOB, ONE);
    expect(book.standing('all', '')).toMatchObject([
      {
        target: { per: 'all', subject: '', measure: 'usd', window: 'day' },
        source: 'file',
        limit: 9 * USD,
        spent: USD,
        held: USD,
        windowStartMs: Date.parse('2026-11-18T00:00:00Z'),
        resetsAtMs: Date.parse('2026-11-19T00:00:00Z'),
        grants: [],
      },
    ]);
    expect(book.standing('key', key.id, key)).toMatchObject([
      { rule, source: 'file', limit: 5 * USD, spent: USD, held: 0, resetsAtMs: null },
      { source: 'key', limit: 3 * USD, spent: USD, held: 0 },
    ]);
    expect(book.standing('key', 'unknown')).toMatchObject([{ limit: 5 * USD, spent: 0, held: 0 }]);
  });
});

describe('sums without end', () => {
  const MOST = Number.MAX_SAFE_INTEGER;

  test('stop at 2^53, and the largest budget still refuses there', () => {
    const { book } = open([someBudget({ per: 'all', limit: MOST, window: 'total' })]);
    const much = {
      keyId: 'a',
      user: null,
      team: null,
      tenant: null,
      model: 'm',
      tokens: 2n ** 60n,
    };
    const total = [
      { ...much, costNanoUsd: 2n ** 60n },
      { ...much, costNanoUsd: 1n },
    ];
    book.load({ hour: [], day: [], week: [], month: [], total });
    expect(book.spent('all', '')).toMatchObject({ usd: { total: MOST }, tokens: { total: MOST } });
    expect(thrownBy(() => book.reserve(ADA, nanoAmount(1))).code).toBe('insufficient_quota');
  });

  test.each([
    ['nano-dollars', nanoAmount(MOST), nanoAmount(1)],
    ['tokens', nanoAmount(0, MOST), nanoAmount(0, 1)],
  ])('holds of %s never add up to more than can be counted, and all come back', (_, most, one) => {
    const { book } = open([]);
    const huge = book.reserve(ADA, most);
    expect(thrownBy(() => book.reserve(BOB, one)).code).toBe('insufficient_quota');
    huge.cancel();
    expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0, heldTokens: 0 });
    book.reserve(BOB, one).cancel();
  });
});
