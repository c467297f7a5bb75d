import { checkLedger } from './ledger-check.ts';
import { openRollup } from './rollup.ts';
import type { Database } from './sqlite.ts';
import type { HourlySpend, LedgerCheck } from './store.ts';
import { querySpend, queryUsage, registerUsageFunctions } from './usage-query.ts';
import type { UsageQuery, UsageReport } from './usage-report.ts';

/** Reports over one connection, each brought up to date first. */
export interface OpenBooks {
  /** Adds one batch of finished requests to the sums. True when there may be more. */
  rollUpStep(): boolean;
  usage(query: UsageQuery): UsageReport;
  spend(sinceMs: number): HourlySpend[];
  check(): LedgerCheck;
}

export function openBooks(db: Database): OpenBooks {
  registerUsageFunctions(db);
  const rollup = openRollup(db);
  return {
    rollUpStep: rollup.step,
    usage(query) {
      rollup.catchUp();
      return queryUsage(db, query);
    },
    spend(sinceMs) {
      rollup.catchUp();
      return querySpend(db, sinceMs);
    },
    check() {
      rollup.catchUp();
      return checkLedger(db);
    },
  };
}
