import { describe, expect, test } from 'vitest';
import { runAll } from '../../src/store/requests-walk.ts';
import { openPurge } from '../../src/store/retention-purge.ts';
import { NOW_MS, openRetentionLab } from '../support/retention-lab.ts';

const CLEAN = { ok: true, faults: [] };

const PURGE_ALL = {
  atMs: NOW_MS,
  cutoffMs: NOW_MS,
  slackMs: 0,
  maxSpanMs: Number.POSITIVE_INFINITY,
  afterSeq: 0,
  upToSeq: Number.POSITIVE_INFINITY,
};

/** Twelve requests, the first ten past 184 days. */
const AGES = [300, 299, 298, 250, 249, 248, 220, 219, 190, 189, 10, 1];

function upTo(last: number, from = 1): number[] {
  return Array.from({ length: last - from + 1 }, (_, at) => from + at);
}

describe('what is past its retention', () => {
  test('goes, with its attempts and a receipt; books and chain are as before', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    const before = await lab.store.books.check();
    expect(await lab.purge('requests', 184)).toMatchObject({ rows: 10, isDone: true, fault: null });

    expect(lab.rows()).toEqual([11, 12]);
    expect(lab.db.prepare('SELECT min(request_seq) FROM attempts').pluck().get()).toBeNull();
    expect(lab.ranges()).toMatchObject([{ from_seq: 1, to_seq: 10, rows: 10 }]);
    const facts = { chain: 'requests', from_seq: 1, to_seq: 10, rows: 10 };
    expect(lab.receipts()).toMatchObject([
      { ...facts, action: 'purge.start', intact: true, kept_for_holds: 0 },
      { ...facts, action: 'purge.done', ranges: 1 },
    ]);
    expect(await lab.verify()).toMatchObject({
      ...CLEAN,
      chains: { requests: { rows: 2, purgedRows: 10 } },
    });
    const after = await lab.store.books.check();
    expect(after).toMatchObject({ problems: [], requests: 12, costNanoUsd: before.costNanoUsd });
    expect(after.spend).toEqual(before.spend);
    expect(await lab.store.books.rebuild()).toMatchObject({ corrected: 0 });
  });

  test('is counted from the end of a request', async () => {
    const lab = await openRetentionLab();
    const startedAtMs = NOW_MS - 30 * 86_400_000;
    await lab.settle([31, 30, 1], (at) =>
      at === 1 ? { startedAtMs, finishedAtMs: startedAtMs + 10 } : {},
    );
    await lab.purge('requests', 30);
    expect(lab.rows()).toEqual([2, 3]);
  });

  test('goes in as many purges as there are, which join into one range', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    for (const days of [298.5, 249.5, 200, 184]) {
      await lab.purge('requests', days);
      expect(await lab.verify()).toMatchObject(CLEAN);
      expect((await lab.store.books.check()).problems).toEqual([]);
    }
    expect(lab.ranges()).toMatchObject([{ from_seq: 1, to_seq: 10, rows: 10 }]);
    expect(lab.receipts()).toHaveLength(8);
    expect(await lab.purge('requests', 184)).toMatchObject({ rows: 0, isDone: true });
    expect(lab.receipts()).toHaveLength(8);
  });

  test('goes but for the newest row, from which the chain goes on', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    await lab.purge('requests', 0);
    expect(lab.rows()).toEqual([12]);
    await lab.settle([0, 0]);
    await lab.purge('requests', -1);
    expect(lab.rows()).toEqual([14]);
    expect(await lab.verify()).toMatchObject({ ...CLEAN, chains: { requests: { rows: 1 } } });
    const check = await lab.store.books.check();
    expect(check).toMatchObject({ problems: [], requests: 14 });
    const report = await lab.store.books.usage({
      ...{ by: ['month'], sinceMs: Date.UTC(2026, 0), untilMs: Date.UTC(2026, 11), where: [] },
    });
    expect(report.total.requests).toBe(14);
  });

  test('stays as long as a copy of it is missing somewhere, or it is in no sum', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    await lab.purge('requests', 184, { upToSeq: 4 });
    expect(lab.rows()).toEqual(upTo(12, 5));
    lab.db.exec(`UPDATE meta SET value = 6 WHERE name = 'rolled_up_seq'`);
    await lab.purge('requests', 184);
    expect(lab.rows()).toEqual(upTo(12, 7));
  });

  test('goes a week at a time, and not for a few hours alone', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    const week = { maxSpanMs: 7 * 86_400_000 };
    const first = await lab.purge('requests', 184, week);
    expect(first).toMatchObject({ rows: 3, cutoffMs: NOW_MS - 293 * 86_400_000 });
    expect(lab.rows()).toEqual(upTo(12, 4));
    await lab.purge('requests', 184, week);
    expect(lab.rows()).toEqual(upTo(12, 7));
    const daily = { slackMs: 86_400_000 };
    expect(await lab.purge('requests', 219.5, daily)).toMatchObject({ rows: 0, isDone: true });
    expect(await lab.purge('requests', 218.5, daily)).toMatchObject({ rows: 2 });
  });

  test('goes around rows that a wrong clock dated into the future', async () => {
    const lab = await openRetentionLab();
    await lab.settle([300, 299, -200, -200, 298, 297, 1]);
    expect(await lab.purge('requests', 184)).toMatchObject({ rows: 4, nextSeq: 2 });
    expect(lab.rows()).toEqual([3, 4, 7]);
    expect(await lab.verify()).toMatchObject(CLEAN);
    expect((await lab.store.books.check()).problems).toEqual([]);
  });
});

test('an export that begins behind a purge goes on with what is left', async () => {
  const lab = await openRetentionLab();
  await lab.settle(AGES);
  lab.store.legalHolds.place({
    ...{ scope: 'key', subject: 'K00000000001', reason: 'case 7', createdAtMs: NOW_MS },
  });
  await lab.purge('requests', 184);
  const { chainRows } = lab.store;
  expect(await chainRows.heads()).toMatchObject({ requests: 12 });
  const seqs: number[] = [];
  for (let afterSeq = 0; ; ) {
    const page = await chainRows.read('requests', afterSeq, 2);
    if (page.length === 0) break;
    seqs.push(...page.map(({ seq }) => seq));
    afterSeq = seqs.at(-1) ?? 0;
  }
  expect(seqs).toEqual([2, 5, 8, 11, 12]);
  expect(await lab.store.books.audit.entry({ chain: 'requests', seq: 3 })).toBeNull();
});

test('events go after their own time, with what they were about counted', async () => {
  const lab = await openRetentionLab();
  lab.record([3_000, 2_500, 2_200, 100, 1]);
  await lab.purge('admin_events', 2_190);
  expect(lab.rows('admin_events')).toEqual([4, 5, 6, 7]);
  const sums = JSON.parse(lab.ranges()[0]?.sums ?? '{}');
  expect(sums).toMatchObject({ actions: { 'key.update': 3 } });
  expect(await lab.verify()).toMatchObject({ ...CLEAN, chains: { admin_events: { rows: 4 } } });
});

describe('a legal hold', () => {
  const place = (
    lab: Awaited<ReturnType<typeof openRetentionLab>>,
    scope: 'all' | 'key' | 'user',
  ) =>
    lab.store.legalHolds.place({
      ...{ scope, subject: { all: '', key: 'K00000000001', user: 'ada' }[scope] },
      ...{ reason: 'case 7', createdAtMs: NOW_MS },
    });

  test('keeps the rows of its subject, and those around them go', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    place(lab, 'key');
    const result = await lab.purge('requests', 184);
    // Every third request is of the key.
    expect(lab.rows()).toEqual([2, 5, 8, 11, 12]);
    expect(lab.ranges()).toMatchObject([
      { from_seq: 1, to_seq: 1 },
      { from_seq: 3, to_seq: 4 },
      { from_seq: 6, to_seq: 7 },
      { from_seq: 9, to_seq: 10 },
    ]);
    expect(lab.receipts()).toMatchObject([
      { action: 'purge.start', from_seq: 1, to_seq: 10, rows: 7, kept_for_holds: 3 },
      { action: 'purge.done', ranges: 4 },
    ]);
    expect(result).toMatchObject({ rows: 7, nextSeq: 10 });
    expect(await lab.verify()).toMatchObject({
      ...CLEAN,
      chains: { requests: { rows: 5, purgedRows: 7 } },
    });
    expect(await lab.store.books.check()).toMatchObject({ problems: [], requests: 12 });
    const page = await lab.store.books.audit.page({
      ...{ chain: 'requests', sinceMs: null, untilMs: null, keyId: 'K00000000001', action: null },
      ...{ order: 'oldest', after: null, limit: 50 },
    });
    expect(page.lines.map((line) => JSON.parse(line).seq)).toEqual([2, 5, 8, 11]);
    const entry = await lab.store.books.audit.entry({ chain: 'requests', seq: 5 });
    expect(entry).toMatchObject({ isIntact: true });
  });

  test('that is released lets go what it kept, and the ranges join', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES, (at) => ({ user: at % 4 === 0 ? 'ada' : null }));
    const hold = place(lab, 'user');
    await lab.purge('requests', 184);
    expect(lab.rows()).toEqual([1, 5, 9, 11, 12]);
    lab.store.legalHolds.release(hold.id, NOW_MS);
    expect(await lab.purge('requests', 184)).toMatchObject({ rows: 3 });
    expect(lab.ranges()).toMatchObject([{ from_seq: 1, to_seq: 10, rows: 10 }]);
    expect(await lab.verify()).toMatchObject(CLEAN);
    expect(await lab.store.books.check()).toMatchObject({ problems: [], requests: 12 });
  });

  test('on everything keeps everything, any hold every event', async () => {
    const lab = await openRetentionLab();
    await lab.settle(AGES);
    lab.record([3_000, 2_999, 1]);
    const key = place(lab, 'key');
    expect(await lab.purge('admin_events', 2_190)).toMatchObject({ rows: 0 });
    lab.store.legalHolds.release(key.id, NOW_MS);
    place(lab, 'all');
    for (const what of ['requests', 'admin_events', 'usage_sums', 'checkpoints'] as const) {
      expect(await lab.purge(what, 0)).toMatchObject({ rows: 0, isDone: true });
    }
    expect(lab.receipts()).toEqual([]);
  });

  test('with rows everywhere leaves no more ranges than are worth it', async () => {
    const lab = await openRetentionLab();
    const ages = Array.from({ length: 160 }, (_, at) => 300 - at / 100);
    await lab.settle(ages, (at) => ({ user: at < 150 && at % 5 === 0 ? 'ada' : null }));
    place(lab, 'user');
    const purge = openPurge(lab.db, { many: 10, rowsWorthOne: 8 });
    runAll(purge({ ...PURGE_ALL, purge: 'requests' }));
    expect(lab.ranges()).toHaveLength(11);
    // Ten ranges of four, and the last rows, which are enough for one more.
    expect(lab.rows()).toHaveLength(160 - 40 - 13);
    expect(await lab.verify()).toMatchObject(CLEAN);
    expect((await lab.store.books.check()).problems).toEqual([]);
  });
});
