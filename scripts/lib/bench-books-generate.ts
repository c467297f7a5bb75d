import { openKeys } from '../../src/store/keys.ts';
import { openLedgerWriter } from '../../src/store/ledger-writer.ts';
import { setMeta } from '../../src/store/meta.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { FinishedRow } from '../../src/store/rows.ts';
import type { Database } from '../../src/store/sqlite.ts';
import { openSumBatch } from '../../src/store/sum-batch.ts';
import { ADD_SUMS, sameKey } from '../../src/store/sum-columns.ts';
import { createTraffic, spreadOver } from './bench-books-traffic.ts';

/** The time that the made-up requests spread over: 13 months that end here. */
export const UNTIL_MS = Date.UTC(2026, 10, 1);
const SINCE_MS = Date.UTC(2025, 9, 1);
const QUARTER_MS = 900_000;

/** Requests that were in flight at once: they are settled in another order than they started in. */
const IN_FLIGHT = 64;

const ROWS_PER_TRANSACTION = 50_000;

export interface Generated {
  readonly rows: number;
  readonly seconds: number;
  /** Of those, what the sums took. */
  readonly sumSeconds: number;
}

export interface GenerateOptions {
  readonly dataDir: string;
  readonly rows: number;
  /** Stops earlier when it takes longer; the months behind it stay empty. */
  readonly maxSeconds: number;
}

/**
 * Fills a data directory with finished requests, written by the ledger's own writer, so that hashes
 * and dictionaries are real, and with their sums, in large batches of the SQL that rolls them up.
 */
export function generateBooks({ dataDir, rows, maxSeconds }: GenerateOptions): Generated {
  const db = openDatabase(dataDir, 'process');
  // Nobody's money: a power cut may have it.
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('cache_size = -262144');
  const traffic = createTraffic();
  const keys = openKeys(db);
  db.transaction(() => {
    for (const key of traffic.keys) keys.insert(key);
  })();
  const writer = openLedgerWriter(db);
  const sums = openBulkSums(db);
  const startedMs = performance.now();
  let sumMs = 0;
  let seq = 0;
  let summedSeq = 0;
  const inFlight: FinishedRow[] = [];
  let turn = 0;
  const settle = (row: FinishedRow) => {
    writer.settle(row, traffic.attempts(row));
    seq += 1;
  };
  const commit = () => {
    const atMs = performance.now();
    sums.add(summedSeq, seq);
    summedSeq = seq;
    sumMs += performance.now() - atMs;
    writer.commit();
  };
  writer.begin();
  const from = SINCE_MS / QUARTER_MS;
  for (const [quarter, requests] of spreadOver(rows, from, UNTIL_MS / QUARTER_MS - from)) {
    for (const row of traffic.quarter(quarter, requests)) {
      if (inFlight.length < IN_FLIGHT) {
        inFlight.push(row);
        continue;
      }
      // Any of those in flight ends, but none stays for long.
      turn = (turn * 5 + 17) % IN_FLIGHT;
      settle(inFlight[turn] as FinishedRow);
      inFlight[turn] = row;
    }
    if (seq - summedSeq >= ROWS_PER_TRANSACTION) {
      commit();
      writer.begin();
      if (performance.now() - startedMs > maxSeconds * 1_000) break;
    }
  }
  for (const row of inFlight) settle(row);
  commit();
  setMeta(db, 'rolled_up_seq', seq);
  db.pragma('journal_mode = WAL');
  db.close();
  return {
    rows: seq,
    seconds: (performance.now() - startedMs) / 1_000,
    sumSeconds: sumMs / 1_000,
  };
}

function openBulkSums(db: Database) {
  const batch = openSumBatch(db);
  const merge = db.prepare(`UPDATE temp.sum_batch AS b
    SET ttft = add_ttft((SELECT s.ttft FROM usage_sums s WHERE ${sameKey('s', 'b')}), ttft)
    WHERE ttft IS NOT NULL`);
  const write = db.prepare(`INSERT INTO usage_sums SELECT * FROM temp.sum_batch WHERE true
    ${ADD_SUMS}, ttft = coalesce(excluded.ttft, ttft)`);
  return {
    add(afterSeq: number, toSeq: number) {
      batch.fill(afterSeq, toSeq);
      batch.widen();
      merge.run();
      write.run();
    },
  };
}
