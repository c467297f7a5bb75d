import { GRAINS, type Grain } from './sum-columns.ts';

export const QUARTER_MS = 900_000;
export const DAY_MS = 86_400_000;

/** A run of sums of one grain; `to` is exclusive. Runs of quarters and days keep to one month. */
export interface UsageSpan {
  readonly grain: Grain;
  readonly from: number;
  readonly to: number;
}

/** The month since the year 0, in UTC. */
export function monthOf(timeMs: number): number {
  const date = new Date(timeMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

export function monthStartMs(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12);
}

/** When a sum starts, milliseconds since the epoch. */
export function sumStartMs(grain: Grain, start: number): number {
  if (grain === GRAINS.month) return monthStartMs(start);
  return start * (grain === GRAINS.day ? DAY_MS : QUARTER_MS);
}

/**
 * The fewest sums that make up a time, both ends whole quarters: whole months, days before and after
 * them, quarters at the edges. `coarsest` is the grain above which the caller cannot tell apart
 * what it asks for. In order of time; none when the time is empty.
 */
export function planSpans(sinceMs: number, untilMs: number, coarsest: Grain): UsageSpan[] {
  const spans: UsageSpan[] = [];
  for (let at = sinceMs; at < untilMs; ) {
    const span = nextSpan(at, untilMs, coarsest);
    spans.push(span);
    at = sumStartMs(span.grain, span.to);
  }
  return spans;
}

function nextSpan(atMs: number, untilMs: number, coarsest: Grain): UsageSpan {
  const month = monthOf(atMs);
  const nextMonthMs = monthStartMs(month + 1);
  if (coarsest === GRAINS.month && atMs === monthStartMs(month) && nextMonthMs <= untilMs) {
    return { grain: GRAINS.month, from: month, to: monthOf(untilMs) };
  }
  const endMs = Math.min(untilMs, nextMonthMs);
  const day = Math.floor(atMs / DAY_MS);
  const endDay = Math.floor(endMs / DAY_MS);
  if (coarsest >= GRAINS.day && atMs === day * DAY_MS && day < endDay) {
    return { grain: GRAINS.day, from: day, to: endDay };
  }
  const quarter = atMs / QUARTER_MS;
  const lastMs = coarsest >= GRAINS.day ? Math.min(endMs, (day + 1) * DAY_MS) : endMs;
  return { grain: GRAINS.quarter, from: quarter, to: lastMs / QUARTER_MS };
}

/** Down to a whole quarter. */
export function floorToQuarter(timeMs: number): number {
  return Math.floor(timeMs / QUARTER_MS) * QUARTER_MS;
}

/** Up to a whole quarter. */
export function ceilToQuarter(timeMs: number): number {
  return Math.ceil(timeMs / QUARTER_MS) * QUARTER_MS;
}
