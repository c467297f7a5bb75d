import { getMeta, setMeta } from './meta.ts';
import type { Database } from './sqlite.ts';
import { GRAINS, type Grain } from './sum-columns.ts';
import { DAY_MS, monthOf, monthStartMs } from './usage-range.ts';

/**
 * From when on there are sums of quarters and of days: retention may delete older ones. 0 while all
 * are there. Sums of months are kept for ever.
 */
export interface KeptSums {
  /** A whole day. */
  readonly quartersFromMs: number;
  /** A whole month, and no later than the other. */
  readonly daysFromMs: number;
}

export function readKeptSums(db: Database): KeptSums {
  return {
    quartersFromMs: Number(getMeta(db, 'quarter_sums_from_ms') ?? 0),
    daysFromMs: Number(getMeta(db, 'day_sums_from_ms') ?? 0),
  };
}

/**
 * Says which sums are there from now on; to be called before the older ones are deleted. Times are
 * rounded down to whole days and months.
 */
export function keepSumsFrom(db: Database, kept: KeptSums): void {
  const before = readKeptSums(db);
  const quarters = Math.floor(kept.quartersFromMs / DAY_MS) * DAY_MS;
  const days = monthStartMs(monthOf(Math.min(kept.daysFromMs, quarters)));
  setMeta(db, 'quarter_sums_from_ms', Math.max(before.quartersFromMs, quarters));
  setMeta(db, 'day_sums_from_ms', Math.max(before.daysFromMs, days));
}

/** The start of a time, moved back to where there are sums small enough to begin with. */
export function startOfSums(timeMs: number, { quartersFromMs, daysFromMs }: KeptSums): number {
  if (timeMs < daysFromMs) return monthStartMs(monthOf(timeMs));
  if (timeMs < quartersFromMs) return Math.floor(timeMs / DAY_MS) * DAY_MS;
  return timeMs;
}

/** The end of a time, moved on likewise. */
export function endOfSums(timeMs: number, kept: KeptSums): number {
  const startMs = startOfSums(timeMs, kept);
  if (startMs === timeMs) return timeMs;
  return timeMs < kept.daysFromMs ? monthStartMs(monthOf(timeMs) + 1) : startMs + DAY_MS;
}

/** From when on sums of a grain are there. */
export function keptFromMs(grain: Grain, kept: KeptSums): number {
  if (grain === GRAINS.quarter) return kept.quartersFromMs;
  return grain === GRAINS.day ? kept.daysFromMs : 0;
}
