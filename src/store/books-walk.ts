import { fillWithPurged } from './purged-sums.ts';
import { openRequestsWalk, readLastSeq, type Steps } from './requests-walk.ts';
import { type Rollup, rolledUpSeq } from './rollup.ts';
import { openSpendTally, type SpendTally } from './spend-tally.ts';
import type { Database } from './sqlite.ts';
import { openSumBatch } from './sum-batch.ts';
import { openSumsComparison, type SumsComparison } from './sums-comparison.ts';

/** Rows read between two looks at what else there is to do: some 50 ms. */
const ROWS_PER_STEP = 10_000;

/** The rows that a step of a walk read; it may look at them too, in the same read transaction. */
export type VisitRows = (afterSeq: number, toSeq: number) => void;

/**
 * A walk over all finished requests, and what retention kept of those it removed. Only one may go
 * on at a time on a connection, and `end` must follow it.
 */
export interface BooksWalk {
  readonly comparison: SumsComparison;
  readonly tally: SpendTally;
  /** Compares the sums with the rows and tallies what was spent. Returns the last number given. */
  walk(visit: VisitRows): Steps<number>;
  end(): void;
}

export function openBooksWalk(
  db: Database,
  rollup: Rollup,
  rowsPerStep = ROWS_PER_STEP,
): BooksWalk {
  const batch = openSumBatch(db);
  const comparison = openSumsComparison(db);
  const tally = openSpendTally(db);
  const nextStretch = openRequestsWalk(db);

  // One transaction, so that what is read of a stretch is of one moment; it writes nothing lasting.
  const take = db.transaction(
    (afterSeq: number, summedSeq: number, lastSeq: number, visit: VisitRows): number => {
      const isSummed = afterSeq < summedSeq;
      const stretch = nextStretch(afterSeq, isSummed ? summedSeq : lastSeq, rowsPerStep);
      if (stretch.kind === 'removed') {
        comparison.rowsWereRemoved();
        fillWithPurged(db, stretch.sums);
      } else {
        visit(stretch.afterSeq, stretch.toSeq);
        batch.fill(stretch.afterSeq, stretch.toSeq);
        batch.widen();
      }
      tally.add();
      if (isSummed) comparison.add();
      return stretch.toSeq;
    },
  );

  return {
    comparison,
    tally,
    *walk(visit) {
      comparison.begin();
      tally.clear();
      rollup.watch(() => comparison.addMoved());
      const lastSeq = readLastSeq(db);
      const summedSeq = Math.min(rolledUpSeq(db), lastSeq);
      for (let at = 0; at < lastSeq; ) {
        at = take(at, summedSeq, lastSeq, visit);
        yield;
      }
      comparison.finish();
      return lastSeq;
    },
    end() {
      rollup.watch(null);
      comparison.begin();
      tally.clear();
    },
  };
}
