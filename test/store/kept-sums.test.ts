import { expect, test } from 'vitest';
import { openBooks } from '../../src/store/books.ts';
import { keepSumsFrom } from '../../src/store/kept-sums.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { GRAINS } from '../../src/store/sum-columns.ts';
import type { UsageDimension } from '../../src/store/usage-report.ts';
import { randomRow } from '../support/random-rows.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { tempDir } from '../support/temp-store.ts';
import { thrownBy } from '../support/thrown.ts';

const START_MS = Date.UTC(2026, 7, 10);
const DAY_MS = 24 * 3_600_000;
const QUARTERS_FROM_MS = Date.UTC(2026, 10, 12, 5, 15);
const DAYS_FROM_MS = Date.UTC(2026, 9, 20);

/** Four months, of which two have days and the last few days quarters of an hour. */
function openLab() {
  const random = createSeededRandom(4);
  const db = openDatabase(tempDir(), 'process');
  const writer = openLedgerWriter(db);
  writer.begin();
  for (let n = 0; n < 1_500; n += 1) writer.settle(randomRow(random, START_MS, 100 * DAY_MS), []);
  writer.commit();
  const books = openBooks(db);
  books.spend(0);
  // Neither is the beginning of a larger one.
  keepSumsFrom(db, GRAINS.quarter, QUARTERS_FROM_MS + 1_000);
  keepSumsFrom(db, GRAINS.day, DAYS_FROM_MS + 1_000);
  db.exec(`DELETE FROM usage_sums WHERE grain = 0 AND start < ${QUARTERS_FROM_MS / 900_000}`);
  db.exec(`DELETE FROM usage_sums WHERE grain = 1 AND start < ${DAYS_FROM_MS / DAY_MS}`);
  const count = (sinceMs: number, untilMs: number) =>
    db
      .prepare<[number, number], number>(
        'SELECT count(*) FROM requests WHERE started_at_ms >= ? AND started_at_ms < ?',
      )
      .pluck()
      .get(sinceMs, untilMs);
  return { db, books, count };
}

test.each([
  ['2026-11-13T04:20Z', '2026-11-14T06:10Z', '2026-11-13T04:15Z', '2026-11-14T06:15Z'],
  ['2026-11-02T04:20Z', '2026-11-10T06:10Z', '2026-11-02T00:00Z', '2026-11-11T00:00Z'],
  ['2026-11-12T06:20Z', '2026-11-12T08:10Z', '2026-11-12T06:15Z', '2026-11-12T08:15Z'],
  ['2026-11-12T04:20Z', '2026-11-12T08:10Z', '2026-11-12T00:00Z', '2026-11-13T00:00Z'],
  ['2026-11-11T00:00Z', '2026-11-12T08:10Z', '2026-11-11T00:00Z', '2026-11-13T00:00Z'],
  ['2026-10-22T04:20Z', '2026-11-14T06:10Z', '2026-10-22T00:00Z', '2026-11-14T06:15Z'],
  ['2026-10-22T04:20Z', '2026-10-24T06:10Z', '2026-10-22T00:00Z', '2026-10-25T00:00Z'],
  ['2026-10-02T04:20Z', '2026-10-24T06:10Z', '2026-10-01T00:00Z', '2026-11-01T00:00Z'],
  ['2026-09-02T04:20Z', '2026-10-24T06:10Z', '2026-09-01T00:00Z', '2026-11-01T00:00Z'],
  ['2026-08-20T04:20Z', '2026-09-10T00:00Z', '2026-08-01T00:00Z', '2026-10-01T00:00Z'],
  ['2026-08-20T04:20Z', '2026-10-01T00:00Z', '2026-08-01T00:00Z', '2026-10-01T00:00Z'],
])('%s until %s is told from %s until %s', (since, until, from, to) => {
  const { db, books, count } = openLab();
  const times = [since, until, from, to].map((text) => Date.parse(text));
  const [sinceMs = 0, untilMs = 0, fromMs = 0, toMs = 0] = times;
  const report = books.usage({ by: ['model'], where: [], sinceMs, untilMs });
  expect(report).toMatchObject({ sinceMs: fromMs, untilMs: toMs });
  expect(report.total.requests).toBe(count(fromMs, toMs));
  db.close();
});

test.each<[string, UsageDimension[], UsageDimension | null, string, string]>([
  ['hours', ['hour'], null, '', '2026-11-12T05:15:00.000Z'],
  ['days', ['day'], null, '', '2026-10-20T00:00:00.000Z'],
  ['one hour', [], 'hour', '2026-11-05T10:00:00Z', '2026-10-20T00:00:00.000Z'],
  ['one day', [], 'day', '2026-09-05', '2026-10-20T00:00:00.000Z'],
])('%s that are gone are refused, not shown as nothing', (_, by, dimension, value, from) => {
  const { db, books } = openLab();
  const where = dimension === null ? [] : [{ dimension, value }];
  const time = { sinceMs: START_MS, untilMs: START_MS + 120 * DAY_MS };
  const refusal = thrownBy(() => books.usage({ by, where, ...time }));
  expect(refusal.code).toBe('invalid_request');
  expect(refusal.message).toContain(`are kept from ${from} on`);
  db.close();
});

test('what is gone is no problem of the books, and is not made again', () => {
  const { db, books } = openLab();
  expect(books.check().problems).toEqual([]);
  expect(books.rebuild().corrected).toBe(0);
  db.exec(
    'DELETE FROM usage_sums WHERE grain = 1 AND start = (SELECT max(start) FROM usage_sums WHERE grain = 1)',
  );
  db.exec(
    'DELETE FROM usage_sums WHERE grain = 2 AND start = (SELECT min(start) FROM usage_sums WHERE grain = 2)',
  );
  expect(books.check().problems).not.toEqual([]);
  books.rebuild();
  expect(books.check().problems).toEqual([]);
  expect(books.spend(0).reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n)).toBe(
    books.check().costNanoUsd,
  );
  db.close();
});

test('sums once said to be gone are not said to be back', () => {
  const { db, books } = openLab();
  keepSumsFrom(db, GRAINS.quarter, 0);
  expect(books.check().problems).toEqual([]);
  db.close();
});
