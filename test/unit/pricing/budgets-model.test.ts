import { expect, test } from 'vitest';
import { GateError } from '../../../src/core/error.ts';
import { WINDOWS } from '../../../src/core/key.ts';
import { BUDGET_SCOPES, type BudgetRule } from '../../../src/pricing/budget-rule.ts';
import type { BudgetTarget } from '../../../src/pricing/budget-target.ts';
import {
  type BudgetBook,
  createBudgetBook,
  type Hold,
  type Payer,
} from '../../../src/pricing/budgets.ts';
import { createZone } from '../../../src/pricing/zone.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';
import { type Entry, SlowBudgetBook, subjectOf } from '../../support/slow-budget-book.ts';
import { nanoAmount } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';

/*
 * The book beside a slow one that sums everything anew. Both must decide alike while requests,
 * turning windows, jumping clocks, restarts and operators are mixed at random. A failing seed
 * repeats exactly.
 */

const STEPS = 1_000;
const QUARTER_MS = 900_000;

const PAYERS: readonly Payer[] = [
  { id: 'k1', name: 'ci-1', user: 'ada', team: 'red', tenant: 'acme' },
  { id: 'k2', name: 'ci-2', user: 'bob', team: 'red', tenant: 'acme' },
  { id: 'k3', name: 'app', user: 'bob', team: 'blue', tenant: null },
  { id: 'k4', name: 'lone', user: null, team: null, tenant: null },
].flatMap((said, index) => {
  const limits = {
    budget: index === 0 ? ({ nanoUsd: 9_000, window: 'day' } as const) : null,
    tokenBudget: index === 2 ? ({ tokens: 7_000, window: 'hour' } as const) : null,
  };
  return ['llama-3', 'qwen'].map((model) => ({ key: someKey({ ...said, limits }), model }));
});

function someRules(random: SeededRandom): BudgetRule[] {
  return Array.from({ length: 1 + random.int(6) }, () => ({
    per: random.pick(BUDGET_SCOPES),
    name: random.pick([null, null, '*', 'ci-*', 'red', 'llama*']),
    measure: random.pick(['usd', 'tokens'] as const),
    limit: 500 + random.int(20_000),
    window: random.pick(WINDOWS),
    alertAt: random.pick([[], [50], [10, 50, 90]]),
    onExceed: random.pick(['refuse', 'shrink'] as const),
  }));
}

function someTarget(random: SeededRandom): BudgetTarget {
  const per = random.pick(BUDGET_SCOPES);
  return {
    per,
    subject: subjectOf(random.pick(PAYERS), per) ?? 'red',
    measure: random.pick(['usd', 'tokens'] as const),
    window: random.pick(WINDOWS),
  };
}

test.each([
  [1, 'Europe/Berlin', 'steady'],
  [2, 'UTC', 'steady'],
  [3, 'Australia/Lord_Howe', 'changing'],
  [4, 'Asia/Kathmandu', 'changing'],
  [5, 'America/New_York', 'changing'],
  [6, 'UTC', 'changing'],
] as const)('seed %i in %s, %s rules', (seed, timezone, mode) => {
  const random = createSeededRandom(seed);
  // Days before clocks change, so that windows of odd lengths come by.
  const clock = createFakeClock(Date.UTC(2026, 9, 22, 3));
  const slow = new SlowBudgetBook(createZone(timezone));
  const told = new Set<string>();
  const expected = new Set<string>();
  slow.rules = someRules(random);
  slow.look(clock.nowMs());

  const openBook = (): BudgetBook =>
    createBudgetBook({
      rules: slow.rules,
      clock,
      timezone,
      onThreshold: ({ target, windowStartMs, threshold }) =>
        told.add(JSON.stringify([target, windowStartMs, threshold])),
    });
  let book = openBook();
  const holds = new Map<Entry, Hold>();
  const openEntries = () => slow.entries.filter(({ open }) => open);

  function reserve(payer: Payer): void {
    const amount = nanoAmount(random.int(800), random.int(900));
    const fits = slow.fits(payer, amount);
    try {
      const hold = book.reserve(payer, amount);
      expect(fits, 'held').toBe(true);
      const entry = { payer, openedMs: slow.nowMs, held: amount, spent: null, open: true };
      slow.entries.push(entry);
      holds.set(entry, hold);
    } catch (cause) {
      if (!(cause instanceof GateError)) throw cause;
      expect(fits, cause.message).toBe(false);
      expectAlerts(payer);
    }
  }

  function end(entry: Entry): void {
    const hold = holds.get(entry);
    entry.open = false;
    if (random.int(4) === 0) {
      hold?.cancel();
    } else {
      // One in eight costs more than was held: its price changed, or its input was misjudged.
      const most = random.int(8) === 0 ? 2_000 : 1;
      const { nanoUsd, tokens } = entry.held;
      const due = nanoAmount(random.int(nanoUsd + most), random.int(tokens + most));
      entry.spent = due;
      hold?.settle(due);
      expectAlerts(entry.payer);
    }
    // Said twice, counted once.
    if (random.int(3) === 0) hold?.settle(nanoAmount(5_000, 5_000));
  }

  function expectAlerts(payer: Payer): void {
    for (const [per, { rule }] of slow.budgetsOf(payer)) {
      const subject = subjectOf(payer, per) ?? '';
      const { measure, window } = rule;
      const { spent, limit } = slow.figures(per, subject, rule);
      for (const threshold of rule.alertAt) {
        if (spent === 0 || spent < (limit * threshold) / 100) continue;
        const target = { per, subject, measure, window };
        expected.add(JSON.stringify([target, slow.startMs(window), threshold]));
      }
    }
  }

  /** Everything in memory is gone; what was open is settled by what is on record. */
  function restart(): void {
    for (const entry of openEntries()) {
      entry.open = false;
      entry.spent = nanoAmount(random.int(300), random.int(300));
    }
    holds.clear();
    clock.setWall(slow.nowMs);
    book = openBook();
    book.load(slow.spends());
    book.replaceStored(slow.stored);
    book.replaceGrants(slow.grants);
  }

  function changeRules(): void {
    const target = someTarget(random);
    if (random.int(3) === 0) slow.rules = someRules(random);
    const subject =
      target.per !== 'all' && random.int(4) === 0 ? random.pick(['*', 'ci-*']) : target.subject;
    const isSame = (other: BudgetTarget) =>
      other.per === target.per &&
      other.subject === subject &&
      other.measure === target.measure &&
      other.window === target.window;
    slow.stored = slow.stored.filter((stored) => !isSame(stored)).slice(-5);
    if (random.int(2) === 0) {
      slow.stored.push({ ...target, subject, limit: random.int(15_000), createdAtMs: 0 });
    }
    book.replaceRules(slow.rules);
    book.replaceStored(slow.stored);
  }

  function grant(): void {
    const target = someTarget(random);
    const kind = random.pick(['top_up', 'raise', 'reset'] as const);
    const { spent } = slow.figures(target.per, target.subject, {
      ...target,
      name: null,
      limit: 0,
      alertAt: [],
      onExceed: 'refuse',
    });
    slow.grants.push({
      ...target,
      id: slow.grants.length,
      kind,
      amount: kind === 'reset' ? spent : random.int(3_000),
      windowStartMs: kind === 'raise' ? null : slow.startMs(target.window),
      untilMs: kind === 'raise' ? slow.nowMs + random.int(60 * QUARTER_MS) : null,
      createdAtMs: slow.nowMs,
    });
    book.replaceGrants(slow.grants);
  }

  function compare(payer: Payer): void {
    const budgets = slow.budgetsOf(payer);
    const { key } = payer;
    for (const per of BUDGET_SCOPES) {
      const subject = subjectOf(payer, per);
      if (subject === null) continue;
      const standing = book.standing(per, subject, key);
      const figures = budgets
        .filter(([scope]) => scope === per)
        .map(([, { rule, source }]) => ({ source, ...slow.figures(per, subject, rule), rule }));
      expect(standing.map(plain).toSorted()).toEqual(figures.map(plain).toSorted());
      if (mode === 'changing') continue;
      for (const { limit, spent, held, overrun } of figures) {
        expect(spent + held).toBeLessThanOrEqual(limit + overrun);
      }
    }
    const room = book.room(payer, nanoAmount(0));
    expect(room.limited).toBe(budgets.length > 0);
  }

  for (let step = 0; step < STEPS; step += 1) {
    slow.look(clock.nowMs());
    const payer = random.pick(PAYERS);
    const dice = random.int(100);
    const open = openEntries();
    if (dice < 45) reserve(payer);
    else if (dice < 80 && open.length > 0) end(random.pick(open));
    else if (dice < 90) clock.advance(random.int(3 * QUARTER_MS));
    else if (dice < 92) clock.advance(random.int(40 * 96 * QUARTER_MS));
    else if (dice < 94) clock.setWall(clock.nowMs() + (random.int(2) * 2 - 1) * 4 * QUARTER_MS);
    else if (dice < 95) restart();
    else if (mode === 'changing' && dice < 97) changeRules();
    else if (mode === 'changing') grant();
    slow.look(clock.nowMs());
    compare(payer);
  }

  for (const entry of openEntries()) end(entry);
  expect(book.stats()).toMatchObject({ holds: 0, heldNanoUsd: 0, heldTokens: 0 });
  for (const payer of PAYERS) {
    compare(payer);
    for (const per of BUDGET_SCOPES) {
      const subject = subjectOf(payer, per);
      if (subject === null) continue;
      const paid = slow.entries.filter((entry) => subjectOf(entry.payer, per) === subject);
      const total = paid.reduce((sum, { spent }) => sum + (spent?.nanoUsd ?? 0), 0);
      expect(book.spent(per, subject).usd.total).toBe(total);
    }
  }
  expect([...told].toSorted()).toEqual([...expected].toSorted());
  expect(book.stats().alertsFailed).toBe(0);
});

/** What must be alike, whatever the order. */
function plain(figures: {
  readonly rule: BudgetRule;
  readonly source: string;
  readonly limit: number;
  readonly spent: number;
  readonly held: number;
}): string {
  const { source, limit, spent, held } = figures;
  const { measure, window, alertAt, onExceed } = figures.rule;
  return JSON.stringify([measure, window, source, alertAt, onExceed, limit, spent, held]);
}
