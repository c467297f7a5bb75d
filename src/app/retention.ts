import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../observe/log.ts';
import { PURGE_CLASSES, type PurgeClass, type PurgeOrder } from '../store/retention.ts';
import type { Store } from '../store/store.ts';
import type { AuditCopies } from './audit-copies.ts';
import { createRetentionClock } from './retention-clock.ts';

const LOOK_EVERY_MS = 60_000;
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** The most that one run removes of a class, by the times that its rows say. */
const RUN_SPAN_MS = 7 * DAY_MS;

/** Removes what is past its retention, once an hour, on the thread of the books. */
export interface Retention {
  /** Starts a run when one is due; resolves when it is over. The timer does the same. */
  look(): Promise<void>;
  stats(): RetentionStats;
  /** What was begun is finished by the next start. */
  close(): void;
}

export interface RetentionStats {
  /** Since the start, with sums, checkpoints and budget alerts. */
  readonly rows: number;
  readonly runs: number;
  readonly lastRunAtMs: number | null;
  readonly failures: number;
  readonly isFailing: boolean;
  /** How long the wall clock is not yet believed; 0 when it is. */
  readonly waitMs: number;
}

export interface RetentionParts {
  readonly records: {
    readonly store: Pick<Store, 'books' | 'legalHolds' | 'audit'>;
    /** What every copy of a chain has: rows after it stay. */
    readonly copies: Pick<AuditCopies, 'exportedUpTo'>;
  };
  /** The configuration of the moment. */
  readonly config: () => Pick<Config, 'audit' | 'usage'>;
  readonly clock: Clock;
  readonly log: Log;
}

export function startRetention(parts: RetentionParts): Retention {
  const { clock, log } = parts;
  const { store, copies } = parts.records;
  const trust = createRetentionClock(clock, store.audit.lastCheckpoint()?.atMs ?? null);
  /** Rows of a chain up to which nothing is left to go, as long as the same is held. */
  const considered = new Map<PurgeClass, { readonly seq: number; readonly stamp: string }>();
  const stats = { rows: 0, runs: 0, failures: 0, isFailing: false };
  let lastRunAtMs: number | null = null;
  let lastRunMonotonicMs = Number.NEGATIVE_INFINITY;
  let waitMs = trust.waitMs();
  let isRunning = false;
  let isClosed = false;

  async function purgeClass(purge: PurgeClass): Promise<void> {
    const stamp = store.legalHolds.stamp();
    const known = considered.get(purge);
    let order: PurgeOrder = {
      ...{ purge, ...toRule(purge, parts.config(), clock.nowMs()), maxSpanMs: RUN_SPAN_MS },
      afterSeq: known?.stamp === stamp ? known.seq : 0,
      upToSeq: isExported(purge) ? copies.exportedUpTo(purge) : Number.POSITIVE_INFINITY,
    };
    while (!isClosed) {
      const { rows, nextSeq, cutoffMs, isDone, fault } = await store.books.purge(order);
      stats.rows += rows;
      if (rows > 0) log.info('purged', { class: purge, rows });
      if (fault !== null) log.error('purged_rows_were_changed', { class: purge, fault });
      considered.set(purge, { seq: nextSeq, stamp });
      if (isDone || (rows === 0 && nextSeq <= order.afterSeq)) return;
      // The bounds of a run are those of its first portion.
      const isBegun = rows > 0;
      order = {
        ...order,
        afterSeq: nextSeq,
        ...(isBegun ? { cutoffMs, slackMs: 0, maxSpanMs: Number.POSITIVE_INFINITY } : {}),
      };
    }
  }

  async function run(): Promise<void> {
    for (const purge of PURGE_CLASSES) {
      if (isClosed) return;
      try {
        await purgeClass(purge);
      } catch (cause) {
        if (isClosed) return;
        stats.failures += 1;
        if (!stats.isFailing) log.error('purge_failed', { class: purge, cause });
        stats.isFailing = true;
        return;
      }
    }
    if (stats.isFailing) log.info('purge_recovered');
    stats.isFailing = false;
    stats.runs += 1;
    lastRunAtMs = clock.nowMs();
  }

  async function look(): Promise<void> {
    const waitedMs = waitMs;
    waitMs = trust.waitMs();
    if (waitMs > waitedMs + LOOK_EVERY_MS) log.warn('clock_jumped', { purge_waits_ms: waitMs });
    // A timer is never quite on time.
    const isDue = clock.monotonicMs() - lastRunMonotonicMs >= HOUR_MS - LOOK_EVERY_MS / 2;
    if (waitMs > 0 || !isDue || isRunning || isClosed) return;
    isRunning = true;
    lastRunMonotonicMs = clock.monotonicMs();
    await run().finally(() => {
      isRunning = false;
    });
  }

  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  timer.unref();
  return {
    look,
    stats: () => ({ ...stats, lastRunAtMs, waitMs }),
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

function isExported(purge: PurgeClass): purge is 'requests' | 'admin_events' | 'checkpoints' {
  return purge === 'requests' || purge === 'admin_events' || purge === 'checkpoints';
}

function toRule(
  purge: PurgeClass,
  { audit, usage }: Pick<Config, 'audit' | 'usage'>,
  nowMs: number,
) {
  const retentionMs = {
    requests: audit.retentionMs,
    admin_events: audit.adminRetentionMs,
    usage_sums: usage.retentionMs,
    // As long as there is a row that it can be held against.
    checkpoints: Math.max(audit.retentionMs, audit.adminRetentionMs),
    budgets: audit.retentionMs,
  }[purge];
  // A day's rows at a time make one range and two receipts a day, not twenty-four times as many.
  const slackMs = Math.min(DAY_MS, retentionMs / 10);
  return { atMs: nowMs, cutoffMs: nowMs - retentionMs, slackMs };
}
