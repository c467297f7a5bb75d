import type { Steps } from './requests-walk.ts';
import type { PurgeClass, PurgeOrder, PurgeResult } from './retention.ts';
import { openChainPurge } from './retention-chain.ts';
import { RANGE_LIMITS, type RangeLimits } from './retention-gather.ts';
import { openBudgetsPurge, openCheckpointsPurge, openSumsPurge } from './retention-others.ts';
import { openPurgedRanges } from './retention-ranges.ts';
import { createSmallWrites } from './retention-remove.ts';
import type { Database } from './sqlite.ts';

/**
 * Purges on one connection, in steps between which others write. Only one may go on at a time in a
 * data directory, and no check and no rebuild beside it on the same connection.
 */
export type OpenPurge = (order: PurgeOrder) => Steps<PurgeResult>;

/** The limits are others in tests. */
export function openPurge(db: Database, limits: RangeLimits = RANGE_LIMITS): OpenPurge {
  // What is removed is overwritten where its page is written anyway: not left for who reads the file.
  db.pragma('secure_delete = FAST');
  const parts = { ranges: openPurgedRanges(db), writes: createSmallWrites(db), limits };
  const chains = [
    openChainPurge(db, 'requests', parts),
    openChainPurge(db, 'admin_events', parts),
  ] as const;
  const [requests, events] = chains;
  const purges: Readonly<Record<PurgeClass, OpenPurge>> = {
    requests: requests.purge,
    admin_events: events.purge,
    usage_sums: openSumsPurge(db, parts),
    checkpoints: openCheckpointsPurge(db, parts),
    budgets: openBudgetsPurge(db, parts),
  };
  return function* (order) {
    let finished = 0;
    for (const chain of chains) finished += yield* chain.finish(order.atMs);
    const result = yield* purges[order.purge](order);
    return { ...result, rows: result.rows + finished };
  };
}
