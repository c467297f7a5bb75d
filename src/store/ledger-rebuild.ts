import type { BooksWalk } from './books-walk.ts';
import { setMeta } from './meta.ts';
import { readLastSeq, type Steps } from './requests-walk.ts';
import { rolledUpSeq } from './rollup.ts';
import type { Database } from './sqlite.ts';
import type { LedgerRebuild } from './store.ts';

/** Sums put right in one transaction; requests wait for it. */
const SUMS_PER_STEP = 100;

/**
 * Sums all requests anew and puts right every stored sum that is not what they make. A sum is
 * written only where it was wrong, so reports and budgets never see less than was there before, and
 * a rebuild that is killed has done no harm: the next one begins again.
 */
export function* rebuildSums(db: Database, walk: BooksWalk): Steps<LedgerRebuild> {
  try {
    const lastSeq = yield* walk.walk(() => {});
    let corrected = 0;
    for (;;) {
      const repaired = walk.comparison.repair(SUMS_PER_STEP);
      if (repaired === 0) break;
      corrected += repaired;
      yield;
    }
    // Past the last request the mark would keep the next ones out of the sums.
    if (rolledUpSeq(db) > readLastSeq(db)) setMeta(db, 'rolled_up_seq', readLastSeq(db));
    return { requests: Number(walk.tally.totals().requests), lastSeq, corrected };
  } finally {
    walk.end();
  }
}
