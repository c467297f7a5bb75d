import { checkLedger } from './ledger-check.ts';
import { openRollup } from './rollup.ts';
import { querySpend } from './spend-query.ts';
import { type Database, isBadRow } from './sqlite.ts';
import type { LedgerCheck, Spend } from './store.ts';
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
}

export function openBooks(db: Database): OpenBooks {
  const rollup = openRollup(db);

  function catchUpIfWritable(): void {
    try {
      rollup.catchUp();
    } catch (cause) {
      if (isBadRow(cause)) throw cause;
    }
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
      catchUpIfWritable();
      return checkLedger(db);
    },
  };
}
