import { expect, test } from 'vitest';
import { GroupCommitLedger } from '../../src/store/ledger.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { Database } from '../../src/store/sqlite.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import { aFinishedRow, anOpenRow } from '../support/request-rows.ts';
import { tempDir } from '../support/temp-store.ts';

// SQLite answers SQLITE_FULL when it may not grow its file, exactly as on a full disk.

interface Lab {
  readonly db: Database;
  readonly ledger: GroupCommitLedger;
  readonly events: StoreEvent[];
  fillDisk(): void;
  makeRoom(): void;
}

function openLab(): Lab {
  const db = openDatabase(tempDir(), 'process');
  const events: StoreEvent[] = [];
  const ledger = new GroupCommitLedger(openLedgerWriter(db), (event) => events.push(event));
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
  ledger.close();
  db.close();
});

test('settlements that never get written are bounded and counted', async () => {
  const { db, ledger, events, fillDisk } = openLab();
  fillDisk();
  const tags = { ...bigTags };
  const results = await Promise.allSettled(
    Array.from({ length: 10_050 }, () => ledger.settle(aFinishedRow({ tags }), [])),
  );
  expect(new Set(results.map((result) => result.status))).toEqual(new Set(['rejected']));
  expect(ledger.stats()).toMatchObject({ unwritten: 10_000, dropped: 50 });
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
