import { expect, test } from 'vitest';
import { createCheckpointer } from '../../src/store/checkpointer.ts';
import { DAY_MS, NOW_MS, openRetentionLab } from '../support/retention-lab.ts';
import { someSigningKey } from '../support/some-signing-key.ts';

const YEARS = [800, 790, 500, 450, 300, 100, 1];

test('sums of quarters and days go; those of months stay and still add up', async () => {
  const lab = await openRetentionLab();
  await lab.settle(YEARS);
  const count = (grain: number) =>
    lab.db.prepare('SELECT count(*) FROM usage_sums WHERE grain = ?').pluck().get(grain);
  expect([count(0), count(1), count(2)]).toEqual([7, 7, 7]);
  expect(await lab.purge('usage_sums', 801)).toMatchObject({ rows: 0 });
  expect(await lab.purge('usage_sums', 600)).toMatchObject({ rows: 4 });
  await lab.purge('requests', 184);
  expect(await lab.purge('usage_sums', 400)).toMatchObject({ rows: 4 });
  expect([count(0), count(1), count(2)]).toEqual([3, 3, 7]);
  expect(lab.receipts().at(-1)).toMatchObject({
    ...{ action: 'purge.done', chain: 'usage_sums', rows: 4 },
    ended_before: new Date(NOW_MS - 400 * DAY_MS).toISOString(),
  });
  expect(await lab.verify()).toMatchObject({ ok: true });
  expect(await lab.store.books.check()).toMatchObject({ problems: [], requests: 7 });
  expect(await lab.store.books.rebuild()).toMatchObject({ corrected: 0 });
  expect([count(0), count(1)]).toEqual([3, 3]);
  const all = { by: ['month'], sinceMs: 0, untilMs: NOW_MS, where: [] } as const;
  expect((await lab.store.books.usage(all)).total.requests).toBe(7);
  await expect(lab.store.books.usage({ ...all, by: ['day'] })).rejects.toThrow('are kept from');
  // What budgets without a window are counted from at a start.
  const spent = (await lab.store.books.spend(0)).reduce((sum, { tokens }) => sum + tokens, 0n);
  expect(spent).toBe(7_042n);
  expect(await lab.purge('usage_sums', 400)).toMatchObject({ rows: 0 });
});

test('old checkpoints go but for the newest of them', async () => {
  const lab = await openRetentionLab();
  const { store, clock, db } = lab;
  const key = someSigningKey(store.audit.installId);
  await lab.settle([1]);
  for (const days of [3_000, 2_900, 2_800, 100, 0]) {
    clock.setWall(NOW_MS - days * DAY_MS);
    createCheckpointer({ audit: store.audit, clock, key }).take();
  }
  const ages = () =>
    db
      .prepare<[], number>('SELECT at_ms FROM checkpoints ORDER BY at_ms')
      .pluck()
      .all()
      .map((atMs) => (NOW_MS - atMs) / DAY_MS);
  expect(await lab.purge('checkpoints', 2_190, { upToSeq: NOW_MS - 2_950 * DAY_MS })).toMatchObject(
    {
      rows: 0,
    },
  );
  expect(await lab.purge('checkpoints', 2_190)).toMatchObject({ rows: 2 });
  expect(ages()).toEqual([2_800, 100, 0]);
  expect(await lab.purge('checkpoints', 2_190)).toMatchObject({ rows: 0 });
  expect(await lab.verify()).toMatchObject({ ok: true });
});

test('alerts and grants of windows that are over go, those of all time stay', async () => {
  const lab = await openRetentionLab();
  const { budgets } = lab.store;
  const target = { per: 'user', subject: 'ada', measure: 'usd' } as const;
  for (const window of ['hour', 'month', 'total'] as const) {
    const old = NOW_MS - 300 * DAY_MS;
    const windowStartMs = window === 'total' ? 0 : old;
    budgets.addAlert({
      ...{ ...target, window, windowStartMs, atMs: old },
      ...{ threshold: 80, limit: 10, spent: 9 },
    });
    budgets.addGrant({
      ...{ ...target, window, windowStartMs, untilMs: null, createdAtMs: old },
      ...{ kind: 'top_up', amount: 5 },
    });
  }
  expect(await lab.purge('budgets', 301)).toMatchObject({ rows: 0 });
  expect(await lab.purge('budgets', 184)).toMatchObject({ rows: 4 });
  for (const table of ['budget_alerts', 'budget_grants']) {
    const left = lab.db.prepare(`SELECT "window" FROM ${table}`).pluck().all();
    expect(left).toEqual(['total']);
  }
});
