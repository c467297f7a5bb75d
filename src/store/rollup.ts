import { assert } from '../core/assert.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { getMeta } from './meta.ts';
import type { Database } from './sqlite.ts';
import { openSumBatch } from './sum-batch.ts';
import { ADD_SUMS, sameKey } from './sum-columns.ts';

// Reports read sums, never rows. Finished requests are added to the sums of their quarter of an
// hour, day and month once, in the order of `seq`: how far that has come is kept in `meta` and
// moves in the same transaction as the sums, so a process killed anywhere in here neither counts a
// request twice nor forgets one.

/** Rows summed at once: all that there are, when they fall into few sums. */
const ROWS_PER_BATCH = { least: 50, first: 200, most: 5_000 } as const;

/** Requests wait for the write lock, so batches grow and shrink until it is held about so long. */
const LOCK_HELD_MS = { low: 0.6, high: 1.2 } as const;

/** Sums of quarters in one batch, whatever the clock says; with the others up to three times that. */
const MAX_SUMS_PER_BATCH = 400;

const MERGE_TTFT = `UPDATE temp.sum_batch AS b
  SET ttft = add_ttft((SELECT s.ttft FROM usage_sums s WHERE ${sameKey('s', 'b')}), ttft)
  WHERE ttft IS NOT NULL`;

const WRITE_SUMS = `INSERT INTO usage_sums SELECT * FROM temp.sum_batch WHERE true
  ${ADD_SUMS}, ttft = coalesce(excluded.ttft, ttft)`;

export interface Rollup {
  /** Adds one batch of finished requests to the sums. True when there may be more. */
  step(): boolean;
  /** Adds every finished request. */
  catchUp(): void;
  /**
   * Calls this just before the sums in `temp.sum_batch` are added to the table, until it is
   * replaced: for who compares sums with rows over many steps.
   */
  watch(beforeAdding: (() => void) | null): void;
}

/** Up to which `seq` requests are in the sums. */
export function rolledUpSeq(db: Database): number {
  return Number(getMeta(db, 'rolled_up_seq') ?? 0);
}

/** Only one connection may roll up: the books worker's, or a command's that has the lock. */
export function openRollup(db: Database, clock: Clock = systemClock): Rollup {
  const batch = openSumBatch(db);
  const readLastSeq = db.prepare<[], number | null>('SELECT max(seq) FROM requests').pluck();
  const mergeTtft = db.prepare(MERGE_TTFT);
  const writeSums = db.prepare(WRITE_SUMS);
  const startMark = db.prepare("INSERT OR IGNORE INTO meta VALUES ('rolled_up_seq', 0)");
  const moveMark = db.prepare<[number, number]>(
    "UPDATE meta SET value = CAST(? AS INTEGER) WHERE name = 'rolled_up_seq' AND value = ?",
  );
  let rowsPerBatch: number = ROWS_PER_BATCH.first;
  let beforeAdding: (() => void) | null = null;

  const write = db.transaction((fromSeq: number, toSeq: number) => {
    startMark.run();
    assert(moveMark.run(toSeq, fromSeq).changes === 1, 'one connection rolls up at a time');
    writeSums.run();
  });

  function resize(factor: number): void {
    const { least, most } = ROWS_PER_BATCH;
    rowsPerBatch = Math.min(most, Math.max(least, Math.floor(rowsPerBatch * factor)));
  }

  function step(): boolean {
    const fromSeq = rolledUpSeq(db);
    const toSeq = Math.min(readLastSeq.get() ?? 0, fromSeq + rowsPerBatch);
    if (toSeq <= fromSeq) return false;
    const sums = batch.fill(fromSeq, toSeq);
    if (sums > MAX_SUMS_PER_BATCH) {
      // Never more sums than rows, so that this ends.
      resize(MAX_SUMS_PER_BATCH / 2 / sums);
      return true;
    }
    batch.widen();
    beforeAdding?.();
    // Histograms are merged before the lock is taken; nobody else changes these sums.
    mergeTtft.run();
    const lockedMs = clock.monotonicMs();
    write.immediate(fromSeq, toSeq);
    const heldMs = clock.monotonicMs() - lockedMs;
    if (heldMs > LOCK_HELD_MS.high) resize(0.7);
    else if (heldMs < LOCK_HELD_MS.low) resize(1.4);
    return true;
  }

  return {
    step,
    catchUp() {
      while (step());
    },
    watch(callback) {
      beforeAdding = callback;
    },
  };
}
