import { assert } from '../core/assert.ts';
import type { Window } from '../core/key.ts';
import { MAX_OFFSET_MS, type Zone } from './zone.ts';

/** The smallest unit of sums: every window of every zone begins on a whole one. */
export const QUARTER_MS = 900_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** 5 January 1970, the first Monday after the epoch. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Clocks have never been put back by more: a zone that crosses the date line repeats a day. */
const LONGEST_STEP_BACK_MS = DAY_MS + HOUR_MS;

/**
 * When the window that contains `nowMs` began: calendar windows of a time zone, weeks from Monday.
 * A window is computed, never started by a timer, so no reset can be missed.
 *
 * A day, week or month begins when the local calendar reaches its date for the first time and ends
 * when it first reaches a later one, so that a date that is skipped has no window and one that
 * comes twice has one. Hours are real ones: when clocks are put back, the hour that is repeated is
 * two windows.
 */
export function windowStartMs(window: Window, nowMs: number, zone: Zone): number {
  if (window === 'total') return 0;
  const startMs =
    window === 'hour'
      ? hourStartMs(nowMs, zone)
      : firstReachedMs(localStartMs(window, latestLocalMs(nowMs, zone)), zone);
  assert(startMs % QUARTER_MS === 0, `windows of ${zone.name} begin on quarters of an hour`);
  return startMs;
}

/** When that window ends and the next one begins. `total` never ends. */
export function windowEndMs(window: Window, nowMs: number, zone: Zone): number {
  if (window === 'total') return Number.POSITIVE_INFINITY;
  if (window === 'hour') return hourEndMs(nowMs, zone);
  return firstReachedMs(localEndMs(window, latestLocalMs(nowMs, zone)), zone);
}

type CalendarWindow = Exclude<Window, 'hour' | 'total'>;

/** On the local calendar, written as if it were UTC. */
function localStartMs(window: CalendarWindow, localMs: number): number {
  if (window === 'day') return localMs - modulo(localMs, DAY_MS);
  if (window === 'week') return localMs - modulo(localMs - FIRST_MONDAY_MS, WEEK_MS);
  const local = new Date(localMs);
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), 1);
}

function localEndMs(window: CalendarWindow, localMs: number): number {
  const startMs = localStartMs(window, localMs);
  if (window === 'day') return startMs + DAY_MS;
  if (window === 'week') return startMs + WEEK_MS;
  const start = new Date(startMs);
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
}

/** The latest local time that the clocks have shown: more than they show after they were put back. */
function latestLocalMs(nowMs: number, zone: Zone): number {
  let latestMs = nowMs + zone.offsetMs(nowMs);
  for (const { atMs, beforeMs } of zone.changes(nowMs - LONGEST_STEP_BACK_MS, nowMs)) {
    latestMs = Math.max(latestMs, atMs + beforeMs - 1);
  }
  return latestMs;
}

/** The first moment at which the clocks show `localMs` or later. */
function firstReachedMs(localMs: number, zone: Zone): number {
  const earliestMs = localMs - MAX_OFFSET_MS;
  let sinceMs = Number.NEGATIVE_INFINITY;
  let offsetMs = zone.offsetMs(earliestMs);
  for (const change of zone.changes(earliestMs, localMs + MAX_OFFSET_MS)) {
    if (localMs - offsetMs < change.atMs) break;
    sinceMs = change.atMs;
    offsetMs = change.afterMs;
  }
  return Math.max(localMs - offsetMs, sinceMs);
}

function hourStartMs(nowMs: number, zone: Zone): number {
  const startMs = nowMs - modulo(nowMs + zone.offsetMs(nowMs), HOUR_MS);
  return Math.max(startMs, ...hourBreaks(startMs, nowMs, zone));
}

function hourEndMs(nowMs: number, zone: Zone): number {
  const endMs = nowMs + HOUR_MS - modulo(nowMs + zone.offsetMs(nowMs), HOUR_MS);
  return Math.min(endMs, ...hourBreaks(nowMs, endMs, zone));
}

/** Where clocks are put on or back by half an hour, as on Lord Howe Island, an hour is cut short. */
function hourBreaks(fromMs: number, toMs: number, zone: Zone): number[] {
  return zone
    .changes(fromMs, toMs)
    .filter(({ beforeMs, afterMs }) => (afterMs - beforeMs) % HOUR_MS !== 0)
    .map(({ atMs }) => atMs);
}

/** Never negative, unlike `%`. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
