import { getMeta, setMeta } from './meta.ts';
import type { Database } from './sqlite.ts';
import { GRAINS, type Grain } from './sum-columns.ts';
import { DAY_MS, monthOf, monthStartMs, QUARTER_MS } from './usage-range.ts';

/**
 * From when on all sums of quarters and of days are there: retention may have deleted older ones. 0
 * while none is gone. Sums of months are kept for ever.
 */
export interface KeptSums {
  readonly quartersFromMs: number;
  readonly daysFromMs: number;
}

export function readKeptSums(db: Database): KeptSums {
  return {
    quartersFromMs: Number(getMeta(db, 'quarter_sums_from_ms') ?? 0),
    daysFromMs: Number(getMeta(db, 'day_sums_from_ms') ?? 0),
  };
}

/**
 * Sums of quarters or days that end before this may be gone from now on: to be said before the first
 * one is deleted.
 */
export function keepSumsFrom(
  db: Database,
  grain: typeof GRAINS.quarter | typeof GRAINS.day,
  timeMs: number,
): void {
  const isDay = grain === GRAINS.day;
  const unitMs = isDay ? DAY_MS : QUARTER_MS;
  const fromMs = Math.floor(timeMs / unitMs) * unitMs;
  if (fromMs <= keptFromMs(grain, readKeptSums(db))) return;
  setMeta(db, isDay ? 'day_sums_from_ms' : 'quarter_sums_from_ms', fromMs);
}

/** From when on all sums of a grain are there. */
export function keptFromMs(grain: Grain, kept: KeptSums): number {
  if (grain === GRAINS.quarter) return kept.quartersFromMs;
  return grain === GRAINS.day ? kept.daysFromMs : 0;
}

interface TimeRange {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A time between quarters, widened to whole days or months where nothing smaller is kept. */
export function widenToKept(time: TimeRange, kept: KeptSums): TimeRange {
  const days = widenTo(time, kept.quartersFromMs, dayStartMs, (startMs) => startMs + DAY_MS);
  return widenTo(days, kept.daysFromMs, monthStartOf, (startMs) =>
    monthStartMs(monthOf(startMs) + 1),
  );
}

/** A unit that begins before `fromMs` is taken whole: a part of it cannot be told. */
function widenTo(
  { sinceMs, untilMs }: TimeRange,
  fromMs: number,
  startOf: (timeMs: number) => number,
  endOf: (startMs: number) => number,
): TimeRange {
  const first = sinceMs < fromMs ? startOf(sinceMs) : sinceMs;
  const last = startOf(untilMs);
  const endsInside = last < untilMs && last < fromMs && first <= last;
  return { sinceMs: first, untilMs: endsInside ? endOf(last) : untilMs };
}

function dayStartMs(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

function monthStartOf(timeMs: number): number {
  return monthStartMs(monthOf(timeMs));
}
