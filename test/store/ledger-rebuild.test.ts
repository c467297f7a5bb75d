import { expect, test } from 'vitest';
import { type OpenBooks, openBooks } from '../../src/store/books.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { renderPurgedSums } from '../../src/store/purged-sums.ts';
import { runAll } from '../../src/store/requests-walk.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import type { Database } from '../../src/store/sqlite.ts';
import { randomRow } from '../support/random-rows.ts';
import { aFinishedRow } from '../support/request-rows.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { tempDir } from '../support/temp-store.ts';

const DAY_MS = 24 * 3_600_000;
const START_MS = Date.UTC(2026, 9, 28);
const SPAN_MS = 8 * DAY_MS;

interface Lab {
  readonly db: Database;
  readonly books: OpenBooks;
  readonly random: SeededRandom;
  /** Settles requests that started in the share of the time from `from` to `to`. */
  settle(count: number, from?: number, to?: number): void;
  settleOne(change: Partial<FinishedRow>): void;
}

/** Steps are small, so that a few hundred rows take many. */
function openLab(seed: number, dataDir = tempDir()): Lab {
  const random = createSeededRandom(seed);
  const db = openDatabase(dataDir, 'process');
  const writer = openLedgerWriter(db);
  return {
    db,
    books: openBooks(db, { rowsPerStep: 20 }),
    random,
    settleOne(change) {
      writer.begin();
      writer.settle(aFinishedRow(change), []);
      writer.commit();
    },
    settle(count, from = 0, to = 1) {
      writer.begin();
      for (let n = 0; n < count; n += 1) {
        const share = from + ((to - from) * n) / count;
        // In the order of time, but for some that were settled days later.
        const sinceMs = START_MS + SPAN_MS * (random.int(20) === 0 ? random.next() * share : share);
        writer.settle(randomRow(random, Math.floor(sinceMs), 60_000), []);
      }
      writer.commit();
    },
  };
}

function dumpSums(db: Database): unknown[] {
  return db.prepare('SELECT * FROM usage_sums ORDER BY 1, 2, 3, 4').raw().all();
}

/** Removes requests as retention does: the rows go, their sums by month stay. */
function purge(db: Database, fromSeq: number, toSeq: number): void {
  const sums = renderPurgedSums(db, fromSeq - 1, toSeq);
  db.transaction(() => {
    db.prepare(
      `INSERT INTO purged_ranges VALUES ('requests', ?, ?, zeroblob(32), zeroblob(32), ?, ?)`,
    ).run(fromSeq, toSeq, toSeq - fromSeq + 1, sums);
    db.prepare('DELETE FROM requests WHERE seq >= ? AND seq <= ?').run(fromSeq, toSeq);
  })();
}

const damages = [
  'DELETE FROM usage_sums',
  'DELETE FROM usage_sums WHERE grain = 0',
  'UPDATE usage_sums SET requests = requests + 1, cost_nano_usd = 0 WHERE dimension % 3 = 1',
  'UPDATE usage_sums SET ttft = \'{"8":1}\' WHERE grain = 2',
  'UPDATE usage_sums SET start = start + 100000',
  'INSERT INTO usage_sums SELECT grain, start, 900, outcome, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, NULL FROM usage_sums WHERE dimension = 1',
  "DELETE FROM meta WHERE name = 'rolled_up_seq'",
  "UPDATE meta SET value = 3 WHERE name = 'rolled_up_seq'",
  "UPDATE meta SET value = 100000 WHERE name = 'rolled_up_seq'",
];

test.each(damages)('after %s a rebuild makes every sum what it was', (damage) => {
  const { db, books, settle } = openLab(3);
  settle(400);
  expect(books.check().problems).toEqual([]);
  const before = dumpSums(db);
  db.exec(damage);
  expect(books.check().problems).not.toEqual([]);
  const rebuilt = books.rebuild();
  expect(rebuilt).toMatchObject({ requests: 400, lastSeq: 400 });
  expect(dumpSums(db)).toEqual(before);
  expect(books.check().problems).toEqual([]);
  expect(books.rebuild().corrected).toBe(0);
  // What comes after it is counted once.
  settle(10);
  expect(books.check()).toMatchObject({ requests: 410, problems: [] });
  db.close();
});

test.each([1, 2, 3, 4, 5, 6])(
  'check and rebuild are right while requests settle and reports are made, seed %i',
  (seed) => {
    const { db, books, random, settle } = openLab(seed);
    settle(300, 0, 0.6);
    runAll(books.checkSteps());
    if (seed > 2) db.exec(damages[seed] ?? '');
    const steps = books.rebuildSteps();
    let corrected = 0;
    for (let n = 0; ; n += 1) {
      const step = steps.next();
      if (step.done) {
        corrected = step.value.corrected;
        break;
      }
      if (random.int(3) === 0) settle(5, 0.6 + n / 1_000, 0.61 + n / 1_000);
      if (random.int(3) === 0) books.rollUpStep();
      if (random.int(5) === 0) books.spend(0);
    }
    expect(corrected > 0).toBe(seed > 2);
    const check = books.checkSteps();
    for (let step = check.next(); ; step = check.next()) {
      if (step.done) {
        expect(step.value.problems).toEqual([]);
        break;
      }
      settle(random.int(3), 0.8, 0.9);
      if (random.int(2) === 0) books.rollUpStep();
    }
    expect(books.check().problems).toEqual([]);
    db.close();
  },
);

test('a wrong sum is found though its requests go on settling', () => {
  const { db, books, settle } = openLab(9);
  settle(200, 0, 0.5);
  books.spend(0);
  db.exec('UPDATE usage_sums SET output_tokens = output_tokens + 1 WHERE grain = 0');
  const steps = books.checkSteps();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) {
      expect(step.value.problems.length).toBeGreaterThan(50);
      break;
    }
    settle(2, 0, 0.5);
    books.rollUpStep();
  }
  db.close();
});

test('a rebuild that ends midway has harmed no sum, and the next one completes it', () => {
  const dataDir = tempDir();
  const lab = openLab(5, dataDir);
  lab.settle(400);
  lab.books.check();
  const right = dumpSums(lab.db);
  lab.db.exec('UPDATE usage_sums SET requests = requests + 1');
  const wrong = dumpSums(lab.db);
  const steps = lab.books.rebuildSteps();
  // Some of the sums are right by now, and the connection goes as it does when a process dies.
  for (let n = 0; n < 22; n += 1) steps.next();
  lab.db.close();
  const again = openDatabase(dataDir, 'process');
  const halfway = dumpSums(again).map((sum) => JSON.stringify(sum));
  expect(halfway).not.toEqual(right.map((sum) => JSON.stringify(sum)));
  expect(halfway).not.toEqual(wrong.map((sum) => JSON.stringify(sum)));
  for (const [at, sum] of halfway.entries()) {
    expect([JSON.stringify(right[at]), JSON.stringify(wrong[at])]).toContain(sum);
  }
  openBooks(again).rebuild();
  expect(dumpSums(again)).toEqual(right);
  again.close();
});

test('rows that retention removed live on in the sums of months', () => {
  const { db, books, settle } = openLab(11);
  settle(400);
  const before = books.check();
  const sums = dumpSums(db);
  purge(db, 1, 90);
  purge(db, 91, 200);
  purge(db, 230, 240);
  const after = books.check();
  expect(after).toEqual(before);
  expect(books.rebuild()).toMatchObject({ requests: 400, corrected: 0 });
  expect(dumpSums(db)).toEqual(sums);

  db.exec('UPDATE usage_sums SET gpu_us = gpu_us + 1 WHERE grain = 2');
  db.exec(
    'DELETE FROM usage_sums WHERE grain = 1 AND start >= (SELECT max(start) FROM usage_sums WHERE grain = 1)',
  );
  expect(books.check().problems.join()).toMatch(/the day 2026-11-04.*sums of \d+ more differ/s);
  books.rebuild();
  expect(dumpSums(db)).toEqual(sums);
  db.exec("UPDATE purged_ranges SET sums = json_remove(sums, '$.sums[0]') WHERE from_seq = 1");
  expect(books.check().problems.join()).toMatch(/The sums of the month/);
  db.close();
});

test('a check that retention overtakes says so, and the next one works', () => {
  const { db, books, settle } = openLab(12);
  settle(300);
  const steps = books.checkSteps();
  for (let n = 0; n < 8; n += 1) steps.next();
  purge(db, 60, 200);
  expect(() => runAll(steps)).toThrow('Retention removed requests while they were read');
  expect(books.check()).toMatchObject({ requests: 300, problems: [] });
  db.close();
});

test('what retention removes ahead of a check is taken from its sums', () => {
  const { db, books, settle } = openLab(13);
  settle(300);
  const before = books.check();
  const steps = books.checkSteps();
  for (let n = 0; n < 8; n += 1) steps.next();
  purge(db, 220, 260);
  expect(runAll(steps)).toEqual(before);
  db.close();
});

test('a sum that is short of one late request is found and made whole', () => {
  const { db, books, settle, settleOne } = openLab(14);
  const late = { keyId: 'LATE', startedAtMs: START_MS };
  settleOne(late);
  settle(100, 0.1, 0.5);
  books.spend(0);
  const ofLate = db
    .prepare(
      "SELECT u.* FROM usage_sums u JOIN dimensions d ON d.id = u.dimension WHERE d.key = (SELECT id FROM names WHERE name = 'LATE')",
    )
    .raw()
    .all() as (number | string)[][];
  expect(ofLate).toHaveLength(3);
  settleOne(late);
  settle(100, 0.5, 1);
  books.spend(0);
  const right = dumpSums(db);
  const places = ofLate[0]?.map(() => '?').join();
  const spoil = db.prepare(`INSERT OR REPLACE INTO usage_sums VALUES (${places})`);
  for (const sum of ofLate) spoil.run(...sum);
  // The month is still open when the late request is met, so it is the quarter and the day that agree
  // for a while.
  expect(books.check().problems).toHaveLength(3);

  const steps = books.rebuildSteps();
  for (let n = 0; n < 9; n += 1) steps.next();
  settleOne(late);
  settleOne({ ...late, startedAtMs: START_MS + SPAN_MS });
  books.spend(0);
  expect(runAll(steps)).toMatchObject({ corrected: 3 });
  expect(books.check().problems).toEqual([]);
  expect(dumpSums(db).length).toBe(right.length + 3);
  db.close();
});
