import { openBooksWalk } from './books-walk.ts';
import { checkLedger } from './ledger-check.ts';
import { rebuildSums } from './ledger-rebuild.ts';
import { checkPages } from './page-check.ts';
import { runAll, type Steps } from './requests-walk.ts';
import type { PurgeOrder, PurgeResult } from './retention.ts';
import { type OpenPurge, openPurge } from './retention-purge.ts';
import { openRollup } from './rollup.ts';
import { querySpend } from './spend-query.ts';
import { type Database, isBadRow } from './sqlite.ts';
import type { LedgerCheck, LedgerRebuild, Spend } from './store.ts';
import { queryUsage } from './usage-query.ts';
import type { UsageQuery, UsageReport } from './usage-report.ts';

/**
 * Reports over one connection, each brought up to date first. On a disk that takes no more, usage
 * and check still answer from the sums there are; spend throws, because budgets are built on it.
 */
export interface OpenBooks {
  /** Adds one batch of finished requests to the sums. True when there may be more. */
  rollUpStep(): boolean;
  usage(query: UsageQuery): UsageReport;
  spend(sinceMs: number): Spend[];
  check(): LedgerCheck;
  /**
   * The same, but for the pages, in steps between which the rest may be asked. One check or rebuild
   * at a time.
   */
  checkSteps(): Steps<LedgerCheck>;
  rebuild(): LedgerRebuild;
  rebuildSteps(): Steps<LedgerRebuild>;
  purgeSteps(order: PurgeOrder): Steps<PurgeResult>;
}

export interface BooksOptions {
  /** Rows that a check or a rebuild reads in one step: for tests. */
  readonly rowsPerStep?: number;
}

export function openBooks(db: Database, options: BooksOptions = {}): OpenBooks {
  const rollup = openRollup(db);
  const walk = openBooksWalk(db, rollup, options.rowsPerStep);
  // Prepared by the first one: most commands never purge.
  let purge: OpenPurge | undefined;

  function catchUpIfWritable(): void {
    try {
      rollup.catchUp();
    } catch (cause) {
      if (isBadRow(cause)) throw cause;
    }
  }

  function* checkSteps(): Steps<LedgerCheck> {
    catchUpIfWritable();
    return yield* checkLedger(db, walk);
  }

  function* rebuildSteps(): Steps<LedgerRebuild> {
    rollup.catchUp();
    return yield* rebuildSums(db, walk);
  }

  return {
    rollUpStep: rollup.step,
    usage(query) {
      catchUpIfWritable();
      return queryUsage(db, query);
    },
    spend(sinceMs) {
      rollup.catchUp();
      return querySpend(db, sinceMs);
    },
    check() {
      const faults = checkPages(db);
      const found = runAll(checkSteps());
      return { ...found, problems: [...faults, ...found.problems] };
    },
    checkSteps,
    rebuild: () => runAll(rebuildSteps()),
    rebuildSteps,
    purgeSteps(order) {
      purge ??= openPurge(db);
      return purge(order);
    },
  };
}
