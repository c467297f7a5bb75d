import { onTestFinished } from 'vitest';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { databasePath } from '../../src/store/open-database.ts';
import type { PurgeOrder, PurgeResult } from '../../src/store/retention.ts';
import type { AttemptRow, FinishedRow } from '../../src/store/rows.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import type { AuditVerification } from '../../src/store/verify-audit.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { aFinishedRow, aPrice } from './request-rows.ts';
import { openTempStore, type TempStoreOptions } from './temp-store.ts';

export const DAY_MS = 86_400_000;
export const NOW_MS = Date.UTC(2026, 10, 18, 10, 30);

/** Books with old requests, and a second connection to look at them and to tamper. */
export interface RetentionLab {
  readonly store: Store;
  readonly dataDir: string;
  readonly db: Database;
  readonly clock: FakeClock;
  /** One request each that ended so many days ago, rolled up. */
  settle(daysAgo: readonly number[], change?: (at: number) => Partial<FinishedRow>): Promise<void>;
  /** An event each. */
  record(daysAgo: readonly number[]): void;
  /** All portions of one purge of what is older than so many days. */
  purge(
    what: PurgeOrder['purge'],
    days: number,
    change?: Partial<PurgeOrder>,
  ): Promise<PurgeResult>;
  verify(): Promise<AuditVerification>;
  /** Seqs of the rows that are there. */
  rows(table?: 'requests' | 'admin_events'): number[];
  ranges(): { chain: string; from_seq: number; to_seq: number; rows: number; sums: string }[];
  /** The `after` of the receipts, oldest first. */
  receipts(): Record<string, unknown>[];
}

export async function openRetentionLab(options: TempStoreOptions = {}): Promise<RetentionLab> {
  const clock = createFakeClock(NOW_MS);
  const { store, dataDir } = await openTempStore({ clock, ...options });
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 2_000, mustExist: true });
  onTestFinished(async () => {
    db.close();
    await store.close();
  });
  return {
    ...{ store, dataDir, db, clock },
    async settle(daysAgo, change = () => ({})) {
      const rows = daysAgo.map((days, at) => anOldRow(days, at, change(at)));
      await Promise.all(rows.map((row) => store.ledger.settle(row, someAttempts(row))));
      // Everything that was settled is in the sums.
      await store.books.usage({ by: [], sinceMs: 0, untilMs: 1, where: [] });
    },
    record(daysAgo) {
      for (const days of daysAgo) store.audit.record(anOldEvent(days));
    },
    async purge(what, days, change = {}) {
      let order: PurgeOrder = {
        purge: what,
        atMs: clock.nowMs(),
        cutoffMs: clock.nowMs() - days * DAY_MS,
        slackMs: 0,
        maxSpanMs: Number.POSITIVE_INFINITY,
        afterSeq: 0,
        upToSeq: Number.POSITIVE_INFINITY,
        ...change,
      };
      let rows = 0;
      for (;;) {
        const result = await store.books.purge(order);
        rows += result.rows;
        if (result.isDone) return { ...result, rows };
        order = { ...order, afterSeq: result.nextSeq };
      }
    },
    verify: () =>
      store.books.audit.verify({
        ...{ notes: [], pinnedKey: null, ownKey: null, sinceCheckpoint: false, threads: 1 },
      }),
    rows: (table = 'requests') =>
      db.prepare<[], number>(`SELECT seq FROM ${table} ORDER BY seq`).pluck().all(),
    ranges: () =>
      db
        .prepare<[], ReturnType<RetentionLab['ranges']>[number]>(
          'SELECT chain, from_seq, to_seq, rows, sums FROM purged_ranges ORDER BY chain, from_seq',
        )
        .all(),
    receipts: () =>
      db
        .prepare<[], { action: string; after: string }>(
          `SELECT action, "after" FROM admin_events WHERE action GLOB 'purge.*' ORDER BY seq`,
        )
        .all()
        .map(({ action, after }) => ({ action, ...JSON.parse(after) })),
  };
}

const PRICE = aPrice({ input: 150_000, output: 600_000 });

function anOldRow(daysAgo: number, at: number, change: Partial<FinishedRow>): FinishedRow {
  const startedAtMs = NOW_MS - Math.round(daysAgo * DAY_MS) + at;
  const usage = { ...NO_USAGE, inputTokens: 1_000 + at, outputTokens: at };
  return aFinishedRow({
    keyId: `K0000000000${at % 3}`,
    ...{ startedAtMs, finishedAtMs: startedAtMs, usage, price: PRICE },
    costNanoUsd: nanoUsd(
      Math.ceil((usage.inputTokens * 150_000 + usage.outputTokens * 600_000) / 1_000),
    ),
    ttftMs: 5 + (at % 7),
    attempts: at % 4 === 0 ? 2 : 1,
    ...change,
  });
}

function someAttempts({ attempts, startedAtMs }: FinishedRow): AttemptRow[] {
  if (attempts < 2) return [];
  const attempt = { startedAtMs, durationMs: 12 };
  return [
    { ...attempt, attempt: 1, backend: 'flaky', code: 'backend_error', status: 500 },
    { ...attempt, attempt: 2, backend: 'gpu0', code: null, status: 200 },
  ];
}

function anOldEvent(daysAgo: number) {
  return {
    atMs: NOW_MS - daysAgo * DAY_MS,
    actor: 'alice@gpu-box',
    origin: 'admin socket',
    action: 'key.update',
    target: 'K00000000001',
    before: null,
    after: { requests_per_minute: 60 },
  };
}
