import { expect, test } from 'vitest';
import { checkpointIfDue, checkpointRest, logBytes } from '../../src/store/checkpoint.ts';
import { databasePath, openDatabase } from '../../src/store/open-database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { tempDir } from '../support/temp-store.ts';

const MEGABYTE = 1024 * 1024;

interface LogState {
  readonly log: number;
  readonly checkpointed: number;
}

/** A connection that writes and one that checkpoints, as in a gateway. */
function openLab() {
  const dataDir = tempDir();
  const writer = openDatabase(dataDir, 'process');
  const books = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  let written = 0;
  return {
    books,
    write(sizeBytes: number) {
      written += 1;
      writer
        .prepare('INSERT INTO meta (name, value) VALUES (?, ?)')
        .run(`blob ${written}`, Buffer.alloc(sizeBytes));
    },
    state(): LogState | undefined {
      const [state] = books.pragma('wal_checkpoint(NOOP)') as LogState[];
      return state;
    },
    close() {
      books.close();
      writer.close();
    },
  };
}

test('a short log is left alone', () => {
  const lab = openLab();
  lab.write(2 * MEGABYTE);
  expect(checkpointIfDue(lab.books)).toBe('done');
  expect(lab.state()?.checkpointed).toBe(0);
  lab.close();
});

test('past 4 MB the log is written back, and the next commit starts it over', () => {
  const lab = openLab();
  lab.write(5 * MEGABYTE);
  expect(checkpointIfDue(lab.books)).toBe('done');
  const { log, checkpointed } = lab.state() ?? {};
  expect(log).toBeGreaterThan(1_000);
  expect(checkpointed).toBe(log);
  lab.write(100);
  expect(lab.state()?.log).toBeLessThan(10);
  lab.close();
});

interface Reader {
  close(): void;
}

/** Somebody who goes on reading what is there now. */
function startReading(path: string): Reader {
  const reader = openSqlite(path, { busyTimeoutMs: 0, mustExist: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM meta').get();
  return reader;
}

test.each([
  { name: 'a little is missing: commits are to be held for it', newerMb: 10, state: 'long' },
  { name: 'much is missing: holding commits would not help', newerMb: 20, state: 'pinned' },
])('a long log that a reader keeps alive, of which $name', ({ newerMb, state }) => {
  const lab = openLab();
  lab.write(30 * MEGABYTE);
  const reader = startReading(lab.books.name);
  lab.write(newerMb * MEGABYTE);
  expect(checkpointIfDue(lab.books)).toBe(state);
  expect(logBytes(lab.books)).toBeGreaterThan((30 + newerMb) * MEGABYTE);
  reader.close();
  checkpointRest(lab.books);
  lab.write(100);
  expect(lab.state()?.log).toBeLessThan(10);
  lab.close();
});
