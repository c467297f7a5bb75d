import { GateError } from '../core/error.ts';
import { GRAINS, type Grain } from './sum-columns.ts';
import { DAY_MS, monthOf, monthStartMs, sumStartMs, type UsageSpan } from './usage-range.ts';
import type { UsageDimension } from './usage-report.ts';

const HOUR_MS = 3_600_000;

const TIME_FORMATS = {
  hour: /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/,
  day: /^\d{4}-\d\d-\d\d$/,
  month: /^\d{4}-\d\d$/,
} as const;

export type TimeDimension = keyof typeof TIME_FORMATS;

export function isTimeDimension(dimension: UsageDimension): dimension is TimeDimension {
  return Object.hasOwn(TIME_FORMATS, dimension);
}

/** The largest sums that still tell apart what a report groups by. */
export function coarsestFor(by: readonly UsageDimension[]): Grain {
  if (by.includes('hour')) return GRAINS.quarter;
  return by.includes('day') ? GRAINS.day : GRAINS.month;
}

/**
 * The number of the hour, day or month that a sum of the span lies in, as SQL over `u.start`, for a
 * span of sums no larger than `coarsestFor` allows.
 */
export function timeNumberOf(dimension: TimeDimension, { grain, from }: UsageSpan): string {
  if (dimension === 'month') {
    return grain === GRAINS.month ? 'u.start' : `+${monthOf(sumStartMs(grain, from))}`;
  }
  if (dimension === 'hour') return 'u.start / 4';
  return grain === GRAINS.day ? 'u.start' : 'u.start / 96';
}

/** `2026-11-20T10:00:00Z`, `2026-11-20` or `2026-11`. */
export function renderTimeNumber(dimension: TimeDimension, number: number): string {
  if (dimension === 'month') return isoOf(monthStartMs(number)).slice(0, 7);
  if (dimension === 'day') return isoOf(number * DAY_MS).slice(0, 10);
  return `${isoOf(number * HOUR_MS).slice(0, 13)}:00:00Z`;
}

/** What such a text stands for; the end is exclusive. Throws `invalid_request` for another text. */
export function parseTime(
  dimension: TimeDimension,
  text: string,
): { readonly sinceMs: number; readonly untilMs: number } {
  const sinceMs = TIME_FORMATS[dimension].test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(sinceMs)) {
    const example = renderTimeNumber(dimension, EXAMPLES[dimension]);
    throw new GateError('invalid_request', `${dimension} must look like ${example}.`);
  }
  if (dimension === 'month') return { sinceMs, untilMs: monthStartMs(monthOf(sinceMs) + 1) };
  return { sinceMs, untilMs: sinceMs + (dimension === 'day' ? DAY_MS : HOUR_MS) };
}

/** 10 o'clock on 20 November 2026. */
const EXAMPLES = { hour: 498_658, day: 20_777, month: 2026 * 12 + 10 } as const;

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
