import { expect, onTestFinished, test } from 'vitest';
import { GroupCommitLedger } from '../../src/store/ledger.ts';
import { type LedgerWriter, openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import { brokenLinks } from '../support/chain-walk.ts';
import { aFinishedRow, anOpenRow } from '../support/request-rows.ts';
import { tempDir } from '../support/temp-store.ts';

// SQLite answers SQLITE_FULL when it may not grow its file, exactly as on a full disk, and
// SQLITE_READONLY when it may not write at all. Another connection's lock answers SQLITE_BUSY.

interface Lab {
  readonly db: Database;
  readonly ledger: GroupCommitLedger;
  readonly events: StoreEvent[];
  fillDisk(): void;
  makeRoom(): void;
}

function openLab(wrap = (writer: LedgerWriter) => writer): Lab {
  const db = openDatabase(tempDir(), 'process');
  const events: StoreEvent[] = [];
  const writer = wrap(openLedgerWriter(db));
  const ledger = new GroupCommitLedger(writer, (event) => events.push(event));
  return {
    db,
    ledger,
    events,
    fillDisk() {
      db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
      // Whatever room the last pages still have is used up as well.
      const fill = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
      for (const sizeBytes of [3_000, 500, 100, 20]) {
        for (let n = 0; n < 200; n += 1) {
          try {
            fill.run(`${sizeBytes}-${n}`, 'x'.repeat(sizeBytes));
          } catch {
            break;
          }
        }
      }
    },
    makeRoom() {
      db.pragma('max_page_count = 1000000');
    },
  };
}

function codeOf(result: PromiseSettledResult<void>): unknown {
  return result.status === 'fulfilled' ? 'written' : result.reason.code;
}

function idsOf(db: Database): string[] {
  return db.prepare<[], string>('SELECT id FROM request_log ORDER BY id').pluck().all();
}

const bigTags = { note: 'y'.repeat(5_000) };

test('a full disk refuses requests, keeps settlements, and heals by itself', async () => {
  const { db, ledger, events, fillDisk, makeRoom } = openLab();
  await ledger.open(anOpenRow());
  fillDisk();

  const opened = ledger.open(anOpenRow({ tags: { ...bigTags } }));
  await expect(opened).rejects.toMatchObject({ code: 'store_unavailable' });
  const settled = ledger.settle(aFinishedRow({ tags: { ...bigTags } }), []);
  await expect(settled).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(ledger.stats()).toMatchObject({ unwritten: 1, dropped: 0, rowsSettled: 0 });
  expect(db.prepare('SELECT count(*) FROM open_requests').pluck().get()).toBe(1);

  makeRoom();
  await ledger.open(anOpenRow());
  expect(ledger.stats()).toMatchObject({ unwritten: 0, rowsSettled: 1 });
  expect(db.prepare('SELECT count(*) FROM requests').pluck().get()).toBe(1);
  expect(events.map((event) => event.event)).toEqual(['store_unwritable', 'store_writable']);
  expect(brokenLinks(db)).toEqual([]);
  ledger.close();
  db.close();
});

interface Fault {
  readonly name: string;
  /** Returns what takes the fault away. */
  readonly cause: (db: Database) => () => void;
}

/** Returns what takes the lock away. */
function lockFromOutside(db: Database): () => void {
  const other = openSqlite(db.name, { busyTimeoutMs: 0, mustExist: true });
  onTestFinished(() => void other.close());
  db.pragma('busy_timeout = 0');
  other.exec('BEGIN IMMEDIATE');
  return () => void other.exec('ROLLBACK');
}

const faults: Fault[] = [
  {
    name: 'read-only',
    cause(db) {
      db.pragma('query_only = ON');
      return () => db.pragma('query_only = OFF');
    },
  },
  {
    name: 'locked by another connection',
    cause: lockFromOutside,
  },
  {
    name: 'kept from writing by a statement that is still being read',
    cause(db) {
      const reader = db.prepare('SELECT * FROM requests').iterate();
      reader.next();
      return () => void reader.return?.();
    },
  },
  {
    name: 'full in the middle of a commit',
    cause(db) {
      db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
      return () => db.pragma('max_page_count = 1000000');
    },
  },
];

test.each(faults)(
  'a store that is $name for a while loses no row and no link',
  async ({ cause }) => {
    const { db, ledger } = openLab();
    const rows = Array.from({ length: 900 }, () => aFinishedRow());
    const settle = (from: number, to: number) =>
      Promise.allSettled(rows.slice(from, to).map((row) => ledger.settle(row, [])));
    await settle(0, 300);
    const end = cause(db);
    // The first of these is a commit that fails whole: what is told to wait is not in the books.
    const during = await settle(300, 600);
    expect(new Set(during.map(codeOf))).toEqual(new Set(['store_unavailable']));
    expect(db.prepare('SELECT count(*) FROM requests').pluck().get()).toBe(300);
    end();
    await settle(600, 900);
    ledger.close();
    expect(ledger.stats()).toMatchObject({ rowsSettled: 900, unwritten: 0, dropped: 0 });
    expect(idsOf(db)).toEqual(rows.map((row) => row.id.replaceAll('-', '')).toSorted());
    expect(brokenLinks(db)).toEqual([]);
    db.close();
  },
);

test('a fault among single commits keeps all that come after it, without a wait for each', async () => {
  let begins = 0;
  let end: (() => void) | undefined;
  const { db, ledger } = openLab((writer) => ({
    ...writer,
    begin() {
      begins += 1;
      // Of the first row alone, after that of all four has failed; of the second.
      if (begins === 2) end = lockFromOutside(db);
      writer.begin();
    },
  }));
  const results = await Promise.allSettled([
    ledger.settle(aFinishedRow(), []),
    ledger.settle(aFinishedRow(), []),
    ledger.settle(aFinishedRow({ status: 0.5 }), []),
    ledger.settle(aFinishedRow(), []),
  ]);
  expect(results.map(codeOf)).toEqual(['written', ...Array(3).fill('store_unavailable')]);
  expect(begins).toBe(2);
  end?.();
  ledger.close();
  expect(ledger.stats()).toMatchObject({ rowsSettled: 3, unwritten: 0, dropped: 1 });
  expect(brokenLinks(db)).toEqual([]);
  db.close();
});

test('settlements that never get written are bounded and counted', async () => {
  const { db, ledger, events, fillDisk } = openLab();
  fillDisk();
  const tags = { ...bigTags };
  const results = await Promise.allSettled(
    Array.from({ length: 10_050 }, () => ledger.settle(aFinishedRow({ tags }), [])),
  );
  expect(results.filter((result) => codeOf(result) === 'store_unavailable')).toHaveLength(10_000);
  expect(results.filter((result) => codeOf(result) === 'internal')).toHaveLength(50);
  expect(ledger.stats()).toMatchObject({ unwritten: 10_000, dropped: 50 });
  expect(events.map((event) => event.event)).toEqual(['store_unwritable', 'ledger_rows_lost']);
  ledger.close();
  expect(ledger.stats()).toMatchObject({ unwritten: 0, dropped: 10_050 });
  expect(events.at(-1)?.event).toBe('ledger_rows_lost');
  db.close();
});

test('unwritten settlements reach the disk at close when it has room again', async () => {
  const { db, ledger, fillDisk, makeRoom } = openLab();
  fillDisk();
  const tags = { ...bigTags };
  await Promise.allSettled(
    Array.from({ length: 1_200 }, () => ledger.settle(aFinishedRow({ tags }), [])),
  );
  makeRoom();
  ledger.close();
  expect(ledger.stats()).toMatchObject({ unwritten: 0, dropped: 0, rowsSettled: 1_200 });
  expect(db.prepare('SELECT count(*) FROM requests').pluck().get()).toBe(1_200);
  db.close();
});

test('commits that are held back wait, and are written when released', async () => {
  const { db, ledger } = openLab();
  ledger.hold();
  const opened = ledger.open(anOpenRow());
  await new Promise((resolve) => setImmediate(resolve));
  expect(ledger.stats()).toMatchObject({ commits: 0, queued: 1 });
  ledger.release();
  await opened;
  expect(ledger.stats()).toMatchObject({ commits: 1, queued: 0 });
  ledger.close();
  db.close();
});

test('while another connection writes, requests wait for it and the thread goes on', async () => {
  const isLocked = Promise.withResolvers<void>();
  const { db, ledger, events } = openLab((writer) => ({
    ...writer,
    tryBegin() {
      const hasBegun = writer.tryBegin();
      if (!hasBegun) isLocked.resolve();
      return hasBegun;
    },
  }));
  const unlock = lockFromOutside(db);
  const row = anOpenRow();
  const opened = ledger.open(row);
  // Only a thread that was given back can take the lock away.
  await isLocked.promise;
  unlock();
  await opened;
  await ledger.settle(aFinishedRow({ id: row.id }), []);
  expect(ledger.stats()).toMatchObject({ rowsOpened: 1, rowsSettled: 1, queued: 0 });
  expect(events).toEqual([]);
  ledger.close();
  db.close();
});
