import { expect, onTestFinished, test } from 'vitest';
import { type LedgerWriter, openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import type { Database } from '../../src/store/sqlite.ts';
import { brokenLinks } from '../support/chain-walk.ts';
import { aFinishedRow, anOpenRow, aPrice } from '../support/request-rows.ts';
import { tempDir } from '../support/temp-store.ts';

const price = aPrice({ input: 3, output: 9 });
const attempts = [
  {
    attempt: 1,
    backend: 'gpu0',
    startedAtMs: 1,
    durationMs: 2.25,
    code: 'overloaded',
    status: 503,
  },
  { attempt: 2, backend: 'gpu1', startedAtMs: 4, durationMs: 0, code: null, status: null },
] as const;

function openLab(dataDir = tempDir()): { db: Database; writer: LedgerWriter } {
  const db = openDatabase(dataDir, 'process');
  onTestFinished(() => void db.close());
  return { db, writer: openLedgerWriter(db) };
}

function settleAll(writer: LedgerWriter, rows: readonly FinishedRow[]): void {
  writer.begin();
  for (const row of rows) writer.settle(row, []);
  writer.commit();
}

function chainOf(db: Database): [seq: number, user: string | null][] {
  return db
    .prepare<[], [number, string | null]>('SELECT seq, user FROM request_log ORDER BY seq')
    .raw()
    .all();
}

test('every row is chained to the one before it, across processes and whatever is in it', () => {
  const dataDir = tempDir();
  const rows = [
    aFinishedRow({ user: 'ada', tags: { env: 'prod' }, price }),
    aFinishedRow({
      ...{ user: 'line\nbreak "quoted" \\ \u2028 \u{1f600}', team: '', model: '', backend: null },
      ...{ tags: { b: '\u0001', a: 'ü', '10': 'x', '9': 'y' }, contentRef: new Uint8Array(32) },
    }),
  ];
  for (let round = 0; round < 2; round += 1) {
    const { db, writer } = openLab(dataDir);
    writer.begin();
    for (const row of rows) writer.settle({ ...row, id: Bun.randomUUIDv7() }, attempts);
    writer.commit();
    expect(brokenLinks(db)).toEqual([]);
    db.close();
  }
  const { db } = openLab(dataDir);
  expect(chainOf(db).map(([seq]) => seq)).toEqual([1, 2, 3, 4]);
  // Ids and words say the same.
  const words = db.prepare("SELECT words ->> '$[4].a' FROM dimensions WHERE id = 2").pluck().get();
  expect(words).toBe('ü');
  expect(db.prepare('SELECT count(*) FROM dimensions').pluck().get()).toBe(2);
});

test('a changed, a removed and a moved row break the chain', () => {
  const { db, writer } = openLab();
  settleAll(writer, [aFinishedRow(), aFinishedRow(), aFinishedRow(), aFinishedRow()]);
  db.exec('SAVEPOINT s; UPDATE requests SET output_tokens = 1 WHERE seq = 2');
  expect(brokenLinks(db)).toEqual([2]);
  db.exec('ROLLBACK TO s; DELETE FROM requests WHERE seq = 2');
  expect(brokenLinks(db)).toEqual([3]);
  db.exec('ROLLBACK TO s; UPDATE requests SET seq = 9 WHERE seq = 2');
  expect(brokenLinks(db)).toContain(9);
  db.exec('ROLLBACK TO s; RELEASE s');
  expect(brokenLinks(db)).toEqual([]);
});

test('a row that was settled before takes no number and changes nothing', () => {
  const { db, writer } = openLab();
  const row = aFinishedRow({ user: 'ada' });
  settleAll(writer, [row]);
  writer.begin();
  writer.open(anOpenRow({ id: row.id }));
  writer.settle({ ...row, user: 'eve' }, attempts);
  writer.settle(aFinishedRow({ user: 'bob' }), []);
  writer.commit();
  expect(chainOf(db)).toEqual([
    [1, 'ada'],
    [2, 'bob'],
  ]);
  expect(brokenLinks(db)).toEqual([]);
  expect(db.prepare('SELECT count(*) FROM attempts').pluck().get()).toBe(0);
  expect(db.prepare('SELECT count(*) FROM open_requests').pluck().get()).toBe(0);
});

test('an attempt that somebody planted under a coming number loses no request', () => {
  const { db, writer } = openLab();
  db.exec('INSERT INTO attempts VALUES (1, 1, 1, 1, 1, 1, 500)');
  writer.begin();
  writer.settle(aFinishedRow({ attempts: 2 }), attempts);
  writer.commit();
  expect(chainOf(db)).toHaveLength(1);
  expect(brokenLinks(db)).toEqual([]);
});

test('after a lost transaction the chain goes on where it was, and its words are numbered again', () => {
  const { db, writer } = openLab();
  const row = aFinishedRow({ user: 'ada', tags: { env: 'prod' }, price });
  settleAll(writer, [aFinishedRow()]);
  writer.begin();
  writer.settle(row, attempts);
  writer.settle(aFinishedRow(), []);
  writer.rollback();
  settleAll(writer, [{ ...row, id: Bun.randomUUIDv7(), user: 'bob' }, row]);
  expect(chainOf(db)).toEqual([
    [1, null],
    [2, 'bob'],
    [3, 'ada'],
  ]);
  expect(brokenLinks(db)).toEqual([]);
  const tags = db.prepare('SELECT DISTINCT tags, price FROM request_log WHERE seq > 1').all();
  expect(tags).toEqual([{ tags: '{"env":"prod"}', price: expect.stringContaining('"output":9') }]);
});

test('when retention has deleted the newest rows too, numbers and hashes go on behind them', () => {
  const dataDir = tempDir();
  const first = openLab(dataDir);
  settleAll(first.writer, [aFinishedRow(), aFinishedRow()]);
  const last = first.db
    .prepare('SELECT lower(hex(hash)) FROM requests WHERE seq = 2')
    .pluck()
    .get();
  first.db.exec(`
    INSERT INTO purged_ranges SELECT 'requests', 1, 2, zeroblob(32), hash, 2, '{}'
      FROM requests WHERE seq = 2;
    INSERT INTO purged_ranges VALUES ('admin_events', 1, 9, zeroblob(32), zeroblob(32), 9, '{}');
    DELETE FROM requests`);
  first.db.close();
  const { db, writer } = openLab(dataDir);
  settleAll(writer, [aFinishedRow()]);
  const row = db.prepare<[], { seq: number; hash: string }>('SELECT * FROM request_log').get();
  expect(row?.seq).toBe(3);
  // Chained to the hash of the row that is gone: with that row back the chain is whole.
  expect(brokenLinks(db)).toEqual([3]);
  expect(brokenLinks(db, String(last))).toEqual([]);
});
