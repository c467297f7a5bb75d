import { expect, test } from 'vitest';
import type { BudgetGrant, BudgetTarget } from '../../src/pricing/budget-target.ts';
import { openBudgetStore } from '../../src/store/budget-rows.ts';
import type { BudgetAlert } from '../../src/store/budget-store.ts';
import { databasePath, openDatabase } from '../../src/store/open-database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';
import { thrownBy } from '../support/thrown.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 18, 10, 30);
const RED: BudgetTarget = { per: 'team', subject: 'red', measure: 'usd', window: 'month' };
const ALL: BudgetTarget = { per: 'all', subject: '', measure: 'tokens', window: 'total' };

function grant(said: Partial<Omit<BudgetGrant, 'id'>>): Omit<BudgetGrant, 'id'> {
  return {
    ...RED,
    kind: 'top_up',
    amount: 5,
    windowStartMs: said.kind === 'raise' ? null : Date.UTC(2026, 10),
    untilMs: null,
    createdAtMs: NOW,
    ...said,
  };
}

function alert(said: Partial<BudgetAlert> = {}): BudgetAlert {
  return {
    ...RED,
    windowStartMs: Date.UTC(2026, 10),
    threshold: 80,
    limit: 1_000_000_000_000,
    spent: 812_345_678_901,
    atMs: NOW,
    ...said,
  };
}

test('budgets come back from a reopened store, one for each target', async () => {
  const dataDir = tempDir();
  const most = { ...RED, limit: Number.MAX_SAFE_INTEGER, createdAtMs: NOW };
  {
    await using first = await openTempStore({ dataDir });
    first.store.budgets.putBudget({ ...RED, limit: 1, createdAtMs: 1 });
    first.store.budgets.putBudget({ ...ALL, limit: 7, createdAtMs: 2 });
    first.store.budgets.putBudget(most);
  }
  await using second = await openTempStore({ dataDir });
  const { budgets } = second.store;
  expect(budgets.budgets()).toEqual([{ ...ALL, limit: 7, createdAtMs: 2 }, most]);
  expect(budgets.removeBudget(ALL)).toBe(true);
  expect(budgets.removeBudget(ALL)).toBe(false);
  expect(budgets.budgets()).toEqual([most]);
});

test('grants come back while they can still matter', async () => {
  const dataDir = tempDir();
  const hour = grant({ window: 'hour', windowStartMs: NOW - 1_800_000, kind: 'reset' });
  const raise = grant({ kind: 'raise', untilMs: NOW + DAY_MS });
  {
    await using first = await openTempStore({ dataDir });
    expect(first.store.budgets.addGrant(grant({})).id).toBe(1);
    first.store.budgets.addGrant(hour);
    expect(first.store.budgets.addGrant(raise).id).toBe(3);
    first.store.budgets.addGrant(grant({ ...ALL, windowStartMs: 0 }));
  }
  await using second = await openTempStore({ dataDir });
  const kinds = (nowMs: number) =>
    second.store.budgets.grants(nowMs).map(({ kind, window }) => `${kind} ${window}`);
  expect(second.store.budgets.grants(NOW)[1]).toEqual({ ...hour, id: 2 });
  expect(kinds(NOW)).toEqual(['top_up month', 'reset hour', 'raise month', 'top_up total']);
  expect(kinds(NOW + DAY_MS)).toEqual(['top_up month', 'top_up total']);
  expect(kinds(NOW + 1_000 * DAY_MS)).toEqual(['top_up total']);
});

test('what is over is removed when something new is granted of the same budget', async () => {
  const dataDir = tempDir();
  {
    await using temp = await openTempStore({ dataDir });
    const { budgets } = temp.store;
    budgets.addGrant(grant({}));
    budgets.addGrant(grant({ subject: 'blue' }));
    budgets.addGrant(grant({ kind: 'raise', untilMs: NOW + 1 }));
    budgets.addGrant(grant({ createdAtMs: NOW + 60 * DAY_MS, windowStartMs: NOW + 44 * DAY_MS }));
  }
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  expect(db.prepare('SELECT subject, kind, created_at_ms AS at FROM budget_grants').all()).toEqual([
    { subject: 'blue', kind: 'top_up', at: NOW },
    { subject: 'red', kind: 'top_up', at: NOW + 60 * DAY_MS },
  ]);
  db.close();
});

test('an alert is on record once, and delivered once', async () => {
  const dataDir = tempDir();
  {
    await using first = await openTempStore({ dataDir });
    expect(first.store.budgets.addAlert(alert())).toBe(true);
    expect(first.store.budgets.addAlert(alert({ spent: 999 }))).toBe(false);
    expect(first.store.budgets.addAlert(alert({ threshold: 100, atMs: NOW - 1 }))).toBe(true);
    expect(first.store.budgets.addAlert(alert(ALL))).toBe(true);
  }
  await using second = await openTempStore({ dataDir });
  const { budgets } = second.store;
  expect(budgets.addAlert(alert())).toBe(false);
  expect(budgets.undelivered(10)).toHaveLength(3);
  const [first] = budgets.undelivered(1);
  expect(first).toEqual(alert({ threshold: 100, atMs: NOW - 1 }));
  if (first !== undefined) budgets.markDelivered(first, NOW);
  expect(budgets.undelivered(10)).toEqual(expect.arrayContaining([alert(), alert(ALL)]));
  expect(budgets.addAlert(alert({ threshold: 100 }))).toBe(false);
});

test('alerts of windows that are over go when the next one comes', async () => {
  const dataDir = tempDir();
  {
    await using temp = await openTempStore({ dataDir });
    const { budgets } = temp.store;
    budgets.addAlert(alert({ threshold: 50, windowStartMs: 1, atMs: NOW - 60 * DAY_MS }));
    budgets.addAlert(alert({ threshold: 80, windowStartMs: 2 }));
    budgets.markDelivered(alert({ threshold: 80, windowStartMs: 2 }), NOW);
    budgets.addAlert(alert({ threshold: 90, windowStartMs: 2 }));
    budgets.addAlert(alert({ subject: 'blue', windowStartMs: 1 }));
    budgets.addAlert(alert());
  }
  await using again = await openTempStore({ dataDir });
  const { budgets } = again.store;
  // Old and never delivered, and delivered: gone. Not yet delivered, or of another: kept.
  expect(budgets.addAlert(alert({ threshold: 90, windowStartMs: 2 }))).toBe(false);
  expect(budgets.addAlert(alert({ subject: 'blue', windowStartMs: 1 }))).toBe(false);
  expect(budgets.undelivered(10)).toHaveLength(3);
});

test('a store that takes nothing says that it is unavailable, and no change is half made', () => {
  const db = openDatabase(tempDir(), 'process');
  const budgets = openBudgetStore(db);
  budgets.putBudget({ ...RED, limit: 1, createdAtMs: 1 });
  db.pragma('query_only = on');
  const writes = [
    () => budgets.putBudget({ ...RED, limit: 2, createdAtMs: 2 }),
    () => budgets.removeBudget(RED),
    () => budgets.addGrant(grant({})),
    () => budgets.addAlert(alert()),
    () => budgets.markDelivered(alert(), NOW),
  ];
  for (const write of writes) expect(thrownBy(write).code).toBe('store_unavailable');
  db.pragma('query_only = off');
  expect(budgets.budgets()).toEqual([{ ...RED, limit: 1, createdAtMs: 1 }]);
  expect(budgets.undelivered(1)).toEqual([]);
  db.close();
});
