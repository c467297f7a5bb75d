import { keepSumsFrom } from './kept-sums.ts';
import type { Steps } from './requests-walk.ts';
import { NOTHING_PURGED, type PurgeOrder, type PurgeResult } from './retention.ts';
import type { PurgedRanges } from './retention-ranges.ts';
import type { SmallWrites } from './retention-remove.ts';
import type { Database } from './sqlite.ts';
import { GRAINS } from './sum-columns.ts';
import { DAY_MS, QUARTER_MS } from './usage-range.ts';

// What is not in a chain goes without a range. Of sums and checkpoints a receipt says how many.

interface OtherParts {
  readonly ranges: PurgedRanges;
  readonly writes: SmallWrites;
}

type OtherPurge = (order: PurgeOrder) => Steps<PurgeResult>;

/**
 * Sums of quarters and days past their time; those of months stay for ever. From when on there are
 * any is on record before the first one goes, so that nobody takes what is gone for nothing.
 */
export function openSumsPurge(db: Database, { ranges, writes }: OtherParts): OtherPurge {
  const isAllHeld = db
    .prepare<[], number>(
      `SELECT EXISTS (SELECT 1 FROM legal_holds WHERE released_at_ms IS NULL AND scope = 'all')`,
    )
    .pluck();
  const oldest = db
    .prepare<[number], number>(
      'SELECT start FROM usage_sums WHERE grain = ? ORDER BY start LIMIT 1',
    )
    .pluck();
  const remove = db.prepare<[number, number, number]>(
    'DELETE FROM usage_sums WHERE grain = ? AND start < ? LIMIT ?',
  );
  const keepFrom = db.transaction(keepSumsFrom);
  return function* (order) {
    const { atMs, cutoffMs, slackMs } = order;
    const nothing = { ...NOTHING_PURGED, nextSeq: 0, cutoffMs };
    if (isAllHeld.get() === 1) return nothing;
    let rows = 0;
    for (const [grain, unitMs] of [
      [GRAINS.quarter, QUARTER_MS],
      [GRAINS.day, DAY_MS],
    ] as const) {
      const first = oldest.get(grain);
      const end = Math.floor(cutoffMs / unitMs);
      if (first === undefined || first * unitMs >= cutoffMs - slackMs || first >= end) continue;
      keepFrom.immediate(db, grain, cutoffMs);
      for (;;) {
        const removed = writes.run((limit) => remove.run(grain, end, limit).changes);
        yield;
        if (removed === 0) break;
        rows += removed;
      }
    }
    if (rows === 0) return nothing;
    ranges.record({
      ...{ action: 'purge.done', target: 'usage_sums', atMs },
      facts: { ...NO_ROWS, chain: 'usage_sums', rows, ended_before: toIso(cutoffMs) },
    });
    return { ...nothing, rows };
  };
}

/**
 * Checkpoints past the time of both chains. The newest of these stays: it is the signature under
 * what was purged. So does the newest of all.
 */
export function openCheckpointsPurge(db: Database, { ranges, writes }: OtherParts): OtherPurge {
  const newest = db
    .prepare<[number], number | null>('SELECT max(at_ms) FROM checkpoints WHERE at_ms < ?')
    .pluck();
  const oldest = db.prepare<[], number | null>('SELECT min(at_ms) FROM checkpoints').pluck();
  const isHeld = db
    .prepare<[], number>('SELECT EXISTS (SELECT 1 FROM legal_holds WHERE released_at_ms IS NULL)')
    .pluck();
  const remove = db.prepare<[number, number]>('DELETE FROM checkpoints WHERE at_ms < ? LIMIT ?');
  return function* (order) {
    const { atMs, cutoffMs, slackMs, upToSeq } = order;
    const nothing = { ...NOTHING_PURGED, nextSeq: 0, cutoffMs };
    const first = oldest.get() ?? null;
    const keptMs = newest.get(Math.min(cutoffMs, upToSeq + 1)) ?? null;
    const isTooFew = first === null || first >= cutoffMs - slackMs;
    if (isTooFew || keptMs === null || isHeld.get() === 1) return nothing;
    let rows = 0;
    for (;;) {
      const removed = writes.run((limit) => remove.run(keptMs, limit).changes);
      yield;
      if (removed === 0) break;
      rows += removed;
    }
    if (rows === 0) return nothing;
    ranges.record({
      ...{ action: 'purge.done', target: 'checkpoints', atMs },
      facts: { ...NO_ROWS, chain: 'checkpoints', rows, ended_before: toIso(keptMs) },
    });
    return { ...nothing, rows };
  };
}

/** The longest that a window can run in any zone, with a day to spare. */
const WINDOW_IS_OVER = `CASE "window" WHEN 'hour' THEN 1 WHEN 'day' THEN 3 WHEN 'week' THEN 9
  WHEN 'month' THEN 33 END * ${DAY_MS}`;

const REMOVE_ALERTS = `DELETE FROM budget_alerts
  WHERE "window" <> 'total' AND window_start_ms + ${WINDOW_IS_OVER} < @cutoffMs
    AND at_ms < @cutoffMs LIMIT @rows`;

const REMOVE_GRANTS = `DELETE FROM budget_grants WHERE created_at_ms < @cutoffMs AND
  CASE WHEN until_ms IS NOT NULL THEN until_ms < @cutoffMs
    ELSE "window" <> 'total' AND window_start_ms + ${WINDOW_IS_OVER} < @cutoffMs END LIMIT @rows`;

/** Alerts and grants of windows that are over; the events that tell of them stay. */
export function openBudgetsPurge(db: Database, { writes }: OtherParts): OtherPurge {
  type Values = { readonly cutoffMs: number; readonly rows: number };
  const removals = [REMOVE_ALERTS, REMOVE_GRANTS].map((sql) => db.prepare<[Values]>(sql));
  return function* ({ cutoffMs }) {
    let rows = 0;
    for (const remove of removals) {
      for (;;) {
        const removed = writes.run((limit) => remove.run({ cutoffMs, rows: limit }).changes);
        yield;
        if (removed === 0) break;
        rows += removed;
      }
    }
    return { ...NOTHING_PURGED, rows, nextSeq: 0, cutoffMs };
  };
}

/** Receipts of rows of a chain say which; these have none. */
const NO_ROWS = { from_seq: 0, to_seq: 0 };

function toIso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
