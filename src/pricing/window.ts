import type { Window } from '../core/key.ts';

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** 5 January 1970, the first Monday after the epoch. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/**
 * When the window that contains `nowMs` began: calendar windows in UTC, weeks from Monday. A
 * window is computed, never started by a timer, so no reset can be missed.
 */
export function windowStartMs(window: Window, nowMs: number): number {
  switch (window) {
    case 'hour':
      return nowMs - modulo(nowMs, HOUR_MS);
    case 'day':
      return nowMs - modulo(nowMs, DAY_MS);
    case 'week':
      return nowMs - modulo(nowMs - FIRST_MONDAY_MS, WEEK_MS);
    case 'month': {
      const now = new Date(nowMs);
      return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
    }
    case 'total':
      return 0;
  }
}

/** When that window ends and the next one begins. `total` never ends. */
export function windowEndMs(window: Window, nowMs: number): number {
  const startMs = windowStartMs(window, nowMs);
  switch (window) {
    case 'hour':
      return startMs + HOUR_MS;
    case 'day':
      return startMs + DAY_MS;
    case 'week':
      return startMs + WEEK_MS;
    case 'month': {
      const start = new Date(startMs);
      return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
    }
    case 'total':
      return Number.POSITIVE_INFINITY;
  }
}

/** Never negative, unlike `%`. */
function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
