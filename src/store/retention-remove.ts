import { type Clock, systemClock } from '../core/clock.ts';
import type { ChainName } from './audit-trail.ts';
import type { Steps } from './requests-walk.ts';
import type { Database } from './sqlite.ts';

/** Rows removed in one transaction. The thread that serves requests may be waiting for the lock. */
const ROWS_PER_BATCH = { least: 10, first: 50, most: 500 } as const;

/** Batches grow and shrink until the lock is held about so long. */
const LOCK_HELD_MS = { low: 0.5, high: 1 } as const;

/** Runs one small write after another, each of a size that keeps the lock for a moment only. */
export interface SmallWrites {
  /** `write` gets how many rows it may touch and returns how many it did. */
  run(write: (rows: number) => number): number;
}

export function createSmallWrites(db: Database, clock: Clock = systemClock): SmallWrites {
  let rows: number = ROWS_PER_BATCH.first;
  const transaction = db.transaction((write: (rows: number) => number) => {
    // From here on: waiting for the lock says nothing of how long it is held.
    const lockedMs = clock.monotonicMs();
    return { done: write(rows), lockedMs };
  });
  return {
    run(write) {
      const { done, lockedMs } = transaction.immediate(write);
      const heldMs = clock.monotonicMs() - lockedMs;
      const factor = heldMs > LOCK_HELD_MS.high ? 0.7 : heldMs < LOCK_HELD_MS.low ? 1.3 : 1;
      const { least, most } = ROWS_PER_BATCH;
      rows = Math.min(most, Math.max(least, Math.round(rows * factor)));
      return done;
    },
  };
}

/**
 * Removes the rows of a declared range, last ones first: until the first one is gone, whoever walks
 * the chain comes from the rows before to a range that begins where it is.
 */
export function openRowRemover(db: Database, chain: ChainName, writes: SmallWrites) {
  const findLast = db
    .prepare<[number, number], number | null>(
      `SELECT max(seq) FROM ${chain} WHERE seq >= ? AND seq <= ?`,
    )
    .pluck();
  const removeRows = db.prepare<[number, number]>(
    `DELETE FROM ${chain} WHERE seq > ? AND seq <= ?`,
  );
  const removeAttempts = db.prepare<[number, number]>(
    'DELETE FROM attempts WHERE request_seq > ? AND request_seq <= ?',
  );
  return function* (fromSeq: number, toSeq: number): Steps<void> {
    for (;;) {
      const last = findLast.get(fromSeq, toSeq) ?? null;
      if (last === null) return;
      writes.run((rows) => {
        const afterSeq = Math.max(fromSeq - 1, last - rows);
        if (chain === 'requests') removeAttempts.run(afterSeq, last);
        return removeRows.run(afterSeq, last).changes;
      });
      yield;
    }
  };
}
