import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NO_USAGE } from '../../src/core/usage.ts';
import { BooksWorker, type BooksWorkerOptions } from '../../src/store/books-client.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import type { UsageQuery } from '../../src/store/usage-report.ts';
import { aFinishedRow } from '../support/request-rows.ts';
import { openTempStore } from '../support/temp-store.ts';
import { thrownBy } from '../support/thrown.ts';

const query: UsageQuery = { by: ['key'], where: [], sinceMs: 0, untilMs: 2_000_000_000_000 };
const BROKEN = new URL('../support/books-worker-broken.ts', import.meta.url).href;

test('reports from the worker hold everything that was settled before they were asked for', async () => {
  const temp = await openTempStore({ worker: true });
  const { ledger, books } = temp.store;
  for (let round = 1; round <= 3; round += 1) {
    const row = () => aFinishedRow({ usage: { ...NO_USAGE, inputTokens: 2 } });
    await Promise.all(Array.from({ length: 50 }, () => ledger.settle(row(), [])));
    const [usage, check, spend] = await Promise.all([
      books.usage(query),
      books.check(),
      books.spend(0),
    ]);
    expect(usage.total).toMatchObject({ requests: 50 * round, costNanoUsd: 0n });
    expect(check).toMatchObject({ requests: 50 * round, problems: [] });
    expect(spend).toMatchObject([{ keyId: 'K00000000001', tokens: BigInt(100 * round) }]);
    expect(await books.rebuild()).toEqual({
      requests: 50 * round,
      lastSeq: 50 * round,
      corrected: 0,
    });
  }
  await temp.store.close();
  expect(temp.events).toEqual([]);
  expect(existsSync(`${databasePath(temp.dataDir)}-wal`)).toBe(false);
});

test('a report does not wait for the end of a check that was asked for before', async () => {
  await using temp = await openTempStore({ worker: true });
  const { ledger, books } = temp.store;
  await ledger.settle(aFinishedRow(), []);
  const order: string[] = [];
  const note = (word: string) => () => order.push(word);
  await Promise.all([
    books.check().then(note('check')),
    books.rebuild().then(note('rebuild')),
    books.usage(query).then(note('usage')),
    books.spend(0).then(note('spend')),
  ]);
  expect(order).toEqual(['usage', 'spend', 'check', 'rebuild']);
});

test('a check on the worker finds a damaged index, read on a thread of its own', async () => {
  await using temp = await openTempStore({ worker: true });
  const { ledger, books } = temp.store;
  await Promise.all(Array.from({ length: 20 }, () => ledger.settle(aFinishedRow(), [])));
  expect((await books.check()).problems).toEqual([]);
  const db = openSqlite(databasePath(temp.dataDir), { busyTimeoutMs: 1_000, mustExist: true });
  // The index on ids is told to lie on the page of another one.
  db.unsafeMode(true);
  db.pragma('writable_schema = ON');
  db.exec(`UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema
    WHERE name = 'dimensions_key') WHERE name = 'sqlite_autoindex_requests_1'`);
  db.close();
  expect((await books.check()).problems.join()).toMatch(/The database is damaged: /);
});

test('an error of the question crosses the thread with its code', async () => {
  await using temp = await openTempStore({ worker: true });
  const where = [{ dimension: 'day' as const, value: 'someday' }];
  const refused = await temp.store.books
    .usage({ ...query, where })
    .catch((cause: unknown) => cause);
  const { code, message } = thrownBy(() => {
    throw refused;
  });
  expect({ code, message }).toEqual({
    code: 'invalid_request',
    message: 'day must look like 2026-11-20.',
  });
});

/** A client of the worker that misbehaves, and a promise of each event that it logs. */
function startBroken(options: Partial<BooksWorkerOptions>) {
  const events: StoreEvent[] = [];
  let wake = () => {};
  const worker = new BooksWorker({
    databasePath: '',
    url: BROKEN,
    writer: { hold() {}, release() {} },
    log(event) {
      events.push(event);
      wake();
    },
    ...options,
  });
  const logged = async (word: string) => {
    while (!events.some(({ event }) => event === word)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { worker, events, logged };
}

test('a worker that dies fails what was asked of it and is started again', async () => {
  const { worker, events, logged } = startBroken({ restartAfterMs: 1 });
  const silent = worker.usage(query).catch((cause: unknown) => cause);
  await expect(worker.check()).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(await silent).toMatchObject({ code: 'store_unavailable' });
  await logged('books_worker_restarted');
  expect(await worker.spend(0)).toEqual([]);
  expect(worker.restarts).toBe(1);
  expect(events.map(({ event }) => event)).toEqual(['books_worker_died', 'books_worker_restarted']);
  await worker.close();
});

test('between death and restart questions are refused at once', async () => {
  const { worker, logged } = startBroken({ restartAfterMs: 60_000 });
  await expect(worker.check()).rejects.toMatchObject({ code: 'store_unavailable' });
  await logged('books_worker_died');
  await expect(worker.spend(0)).rejects.toMatchObject({
    message: 'The books worker is not running.',
  });
  await worker.close();
});

test('a worker that is silent is given up on at the deadline', async () => {
  const { worker } = startBroken({ deadlineMs: 20 });
  await expect(worker.usage(query)).rejects.toMatchObject({
    code: 'store_unavailable',
    message: 'The books gave no answer to usage in 0.02 s.',
  });
  await worker.close();
});

test('questions that wait are bounded', async () => {
  const { worker } = startBroken({});
  await worker.spend(0);
  const waiting = Array.from({ length: 32 }, () => worker.usage(query).catch(() => 'ended'));
  await expect(worker.usage(query)).rejects.toMatchObject({ code: 'overloaded' });
  await worker.close();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['ended']));
});
