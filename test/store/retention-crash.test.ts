import { describe, expect, test } from 'vitest';
import { openBooks } from '../../src/store/books.ts';
import { runAll } from '../../src/store/requests-walk.ts';
import type { PurgeOrder } from '../../src/store/retention.ts';
import type { Database } from '../../src/store/sqlite.ts';
import { NOW_MS, openRetentionLab, type RetentionLab } from '../support/retention-lab.ts';
import { startStoreChild } from '../support/store-child.ts';
import { openTempStore } from '../support/temp-store.ts';

const CLEAN = { ok: true, faults: [] };
const REQUESTS = 200;
const OLD = 180;

const ORDER: PurgeOrder = {
  purge: 'requests',
  atMs: NOW_MS,
  cutoffMs: NOW_MS - 184 * 86_400_000,
  slackMs: 0,
  maxSpanMs: Number.POSITIVE_INFINITY,
  afterSeq: 0,
  upToSeq: Number.POSITIVE_INFINITY,
};

async function openFilledLab(): Promise<RetentionLab> {
  const lab = await openRetentionLab();
  const ages = Array.from({ length: REQUESTS }, (_, at) => (at < OLD ? 300 - at / 10 : 5));
  await lab.settle(ages, (at) => ({ user: at === 60 || at === 130 ? 'ada' : null }));
  const subject = { scope: 'user', subject: 'ada', reason: 'case 7' } as const;
  lab.store.legalHolds.place({ ...subject, createdAtMs: NOW_MS });
  return lab;
}

test('at every moment of a purge the chain verifies and the books balance', async () => {
  const lab = await openFilledLab();
  const total = (await lab.store.books.check()).costNanoUsd;
  const steps = openBooks(lab.db).purgeSteps(ORDER);
  let moments = 0;
  let seen = new Set<number>();
  for (let isDone = false; !isDone; moments += 1) {
    isDone = steps.next().done === true;
    expect(await lab.verify()).toMatchObject(CLEAN);
    const check = await lab.store.books.check();
    expect(check).toMatchObject({ problems: [], requests: REQUESTS, costNanoUsd: total });
    seen = seen.add(lab.rows().length);
  }
  // Rows are there while they are declared, and go in more than one transaction.
  expect(moments).toBeGreaterThan(5);
  expect(seen.size).toBeGreaterThan(3);
  expect(lab.rows()).toHaveLength(REQUESTS - OLD + 2);
});

describe('a purge that was cut short', () => {
  test.each([2, 3, 4, 5, 6])('after %i steps is finished by the next', async (steps) => {
    const lab = await openFilledLab();
    const cut = openBooks(lab.db).purgeSteps(ORDER);
    for (let step = 0; step < steps; step += 1) cut.next();
    const isDeclared = lab.receipts().length > 0;
    expect(isDeclared).toBe(steps > 1);

    // Whatever the next purge is for.
    await lab.purge('budgets', 1);
    expect(lab.rows()).toHaveLength(REQUESTS - OLD + 2);
    expect(lab.receipts()).toMatchObject([
      { action: 'purge.start', rows: OLD - 2 },
      { action: 'purge.done', rows: OLD - 2, resumed: true },
    ]);
    expect(await lab.purge('requests', 184)).toMatchObject({ rows: 0 });
    expect(await lab.verify()).toMatchObject(CLEAN);
    expect((await lab.store.books.check()).problems).toEqual([]);
  });

  test('before its start was written has done nothing', async () => {
    const lab = await openFilledLab();
    openBooks(lab.db).purgeSteps(ORDER).next();
    expect(lab.receipts()).toEqual([]);
    expect(lab.rows()).toHaveLength(REQUESTS);
  });
});

test('a hold placed while rows are looked at keeps them', async () => {
  const lab = await openFilledLab();
  const steps = openBooks(lab.db).purgeSteps(ORDER);
  steps.next();
  const subject = { scope: 'key', subject: 'K00000000001', reason: 'case 8' } as const;
  lab.store.legalHolds.place({ ...subject, createdAtMs: NOW_MS });
  expect(runAll(steps)).toMatchObject({ rows: 0, isDone: false, nextSeq: 0 });
  expect(lab.rows()).toHaveLength(REQUESTS);
  await lab.purge('requests', 184);
  const held = lab.rows().filter((seq) => seq <= OLD);
  expect(held).toHaveLength(OLD / 3 + 1);
});

test('kill -9 in the middle, again and again, harms neither chain nor books', async () => {
  const rows = 1_500;
  const lab = await openRetentionLab();
  await lab.settle(Array.from({ length: rows }, (_, at) => 300 - at / 10));
  const total = (await lab.store.books.check()).costNanoUsd;
  await lab.store.close();
  for (const left of [1_400, 1_000, 999, 500, 20]) {
    await using child = startStoreChild('purge', lab.dataDir);
    expect(await child.nextLine()).toBe('ready 0');
    while (lab.rows().length > left) await new Promise((resolve) => setImmediate(resolve));
    child.kill();
    await child.exited;
    await using again = await openTempStore({ dataDir: lab.dataDir });
    const order = { notes: [], pinnedKey: null, ownKey: null, sinceCheckpoint: false, threads: 1 };
    expect(await again.store.books.audit.verify(order)).toMatchObject(CLEAN);
    const check = await again.store.books.check();
    expect(check).toMatchObject({ problems: [], requests: rows, costNanoUsd: total });
  }
  await using last = startStoreChild('purge', lab.dataDir);
  await last.exited;
  expect(lab.rows()).toEqual([rows]);
  expect(lab.receipts().at(-1)).toMatchObject({ action: 'purge.done' });
}, 30_000);

describe('tampering', () => {
  const CASES: readonly (readonly [what: string, tamper: (db: Database) => void])[] = [
    [
      'a range edited',
      (db) => db.exec("UPDATE purged_ranges SET sums = json_remove(sums, '$.sums[0]')"),
    ],
    [
      'a range moved',
      (db) => db.exec('UPDATE purged_ranges SET to_seq = to_seq + 1 WHERE from_seq = 1'),
    ],
    ['a range removed', (db) => db.exec('DELETE FROM purged_ranges WHERE from_seq = 1')],
    [
      'the receipts removed',
      (db) => db.exec(`DELETE FROM admin_events WHERE action GLOB 'purge.*'`),
    ],
  ];
  test.each(CASES)('with %s is named, and nothing more is purged', async (_, tamper) => {
    const lab = await openFilledLab();
    await lab.purge('requests', 290);
    tamper(lab.db);
    const verified = await lab.verify();
    expect(verified.faults).toContainEqual(expect.objectContaining({ place: 'purged_ranges' }));
    const rows = lab.rows();
    await expect(lab.purge('requests', 184)).rejects.toThrow('Nothing is purged any more');
    expect(lab.rows()).toEqual(rows);
    expect(await lab.verify()).toMatchObject({ faults: verified.faults });
  });

  test('with a row that is then purged stays on record', async () => {
    const lab = await openFilledLab();
    lab.db.exec('UPDATE requests SET cost_nano_usd = 1 WHERE seq = 17');
    const { fault } = await lab.purge('requests', 184);
    expect(fault).toContain('row 17 ');
    expect(lab.receipts()[0]).toMatchObject({ action: 'purge.start', intact: false, fault });
  });
});
