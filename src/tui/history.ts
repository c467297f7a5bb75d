import type { LiveCaller, LiveDocument, LiveModel } from '../observe/live-document.ts';
import { countsBetween, quantileOf } from './quantile.ts';

/** Rates are over this long: short enough to follow, long enough not to jump. */
export const RATE_WINDOW_MS = 10_000;
/** Percentiles need more samples than rates do. */
export const TIMES_WINDOW_MS = 60_000;
/** One point of a sparkline. */
export const POINT_MS = 5_000;
/** A quarter of an hour. */
const POINTS_MAX = 180;
/** Readings nearer to each other than this say nothing more. */
const READING_MS = 1_000;

interface Counts {
  readonly requests: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

/** What a gateway had counted at one moment. */
interface Reading {
  readonly uptimeMs: number;
  readonly totals: Counts;
  readonly errorsByCode: Readonly<Record<string, number>>;
  readonly ttft: readonly number[];
  readonly itl: readonly number[];
}

/** The same by model and caller; larger, so kept for a shorter time. */
interface Slice {
  readonly uptimeMs: number;
  readonly models: readonly LiveModel[];
  /** Null when they were not asked for. */
  readonly callers: readonly LiveCaller[] | null;
}

export interface Rates {
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly inputPerSecond: number;
  readonly outputPerSecond: number;
  readonly usdPerHour: number;
}

export interface Point extends Rates {
  readonly ttftP95Ms: number | null;
  readonly itlP95Ms: number | null;
  readonly inFlight: number;
  readonly queued: number;
}

/** What has been seen of one run of a gateway, the newest last. */
export interface History {
  readonly startedAt: string;
  readonly latest: Reading;
  readonly readings: readonly Reading[];
  readonly slices: readonly Slice[];
  readonly points: readonly Point[];
  /** Where the point that is being collected began. */
  readonly pointFrom: Reading;
}

/** The history with one more document; a new one when the gateway is another than before. */
export function addToHistory(history: History | null, document: LiveDocument): History {
  const reading = toReading(document);
  const slice = { uptimeMs: reading.uptimeMs, ...pickRows(document) };
  const startedAt = document.gateway.started_at;
  const isOther = history === null || history.startedAt !== startedAt;
  if (isOther || reading.uptimeMs < history.latest.uptimeMs) {
    return {
      ...{ startedAt, latest: reading, readings: [reading], slices: [slice] },
      ...{ points: [], pointFrom: reading },
    };
  }
  return {
    ...{ startedAt, latest: reading },
    readings: addSpaced(history.readings, reading, TIMES_WINDOW_MS),
    slices: addSpaced(history.slices, slice, RATE_WINDOW_MS),
    ...addPoint(history, reading, document),
  };
}

/** Null until there are two readings to compare. */
export function ratesOf({ readings, latest }: History): Rates | null {
  const from = findFrom(readings, latest.uptimeMs);
  return from === undefined ? null : ratesBetween(from, latest);
}

/** The oldest in the window that rates are over, or else the newest before it. */
function findFrom<T extends { readonly uptimeMs: number }>(
  all: readonly T[],
  nowMs: number,
): T | undefined {
  const inWindow = all.find(
    ({ uptimeMs }) => uptimeMs >= nowMs - RATE_WINDOW_MS && uptimeMs < nowMs,
  );
  return inWindow ?? all.findLast(({ uptimeMs }) => uptimeMs < nowMs);
}

export interface Quantiles {
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** Of the last minute; of the time before the first document while there is nothing newer. */
export function quantilesOf(
  history: History,
  which: 'ttft' | 'itl',
  bounds: readonly number[],
): Quantiles {
  const counts = countsBetween(history.readings[0]?.[which] ?? [], history.latest[which]);
  const at = (q: number) => quantileOf(bounds, counts, q);
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) };
}

/** How many of each error in the last minute, the most frequent first. */
export function recentErrors(history: History): (readonly [code: string, count: number])[] {
  const before = history.readings[0]?.errorsByCode ?? {};
  return Object.entries(history.latest.errorsByCode)
    .map(([code, count]) => [code, count - (before[code] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
}

/** The models that rates are taken against. */
export function findBase({ slices, latest }: History): Slice | undefined {
  return findFrom(slices, latest.uptimeMs);
}

/** The callers that rates are taken against: they are not in every document. */
export function findCallerBase({
  slices,
  latest,
}: History): { readonly uptimeMs: number; readonly callers: readonly LiveCaller[] } | undefined {
  const told = slices.flatMap(({ uptimeMs, callers }) =>
    callers === null ? [] : [{ uptimeMs, callers }],
  );
  return findFrom(told, latest.uptimeMs);
}

interface Row {
  readonly requests: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: string;
}

/** Rates of one row. What was not there before has begun since, from nothing. */
export function rowRates(now: Row, before: Row | undefined, elapsedMs: number): Rates | null {
  if (elapsedMs <= 0) return null;
  return toRates(toCounts(now), before === undefined ? NOTHING : toCounts(before), elapsedMs);
}

const NOTHING: Counts = { requests: 0, errors: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };

function toCounts(row: Row): Counts {
  const { requests, errors } = row;
  return {
    ...{ requests, errors, inputTokens: row.input_tokens, outputTokens: row.output_tokens },
    costUsd: Number(row.cost_usd),
  };
}

function toReading({ uptime_ms, totals, ttft, itl }: LiveDocument): Reading {
  return {
    uptimeMs: uptime_ms,
    totals: toCounts(totals),
    errorsByCode: totals.errors_by_code,
    ttft: ttft.counts,
    itl: itl.counts,
  };
}

function pickRows({ models, callers }: LiveDocument): Omit<Slice, 'uptimeMs'> {
  return { models, callers };
}

function ratesBetween(from: Reading, to: Reading): Rates | null {
  const elapsedMs = to.uptimeMs - from.uptimeMs;
  return elapsedMs <= 0 ? null : toRates(to.totals, from.totals, elapsedMs);
}

function toRates(now: Counts, before: Counts, elapsedMs: number): Rates {
  const perSecond = (count: number) => Math.max(0, count) / (elapsedMs / 1_000);
  return {
    requestsPerSecond: perSecond(now.requests - before.requests),
    errorsPerSecond: perSecond(now.errors - before.errors),
    inputPerSecond: perSecond(now.inputTokens - before.inputTokens),
    outputPerSecond: perSecond(now.outputTokens - before.outputTokens),
    usdPerHour: perSecond(now.costUsd - before.costUsd) * 3_600,
  };
}

/** Adds what is far enough from the last one, and forgets what no window reaches any more. */
function addSpaced<T extends { readonly uptimeMs: number }>(
  all: readonly T[],
  next: T,
  windowMs: number,
): readonly T[] {
  const last = all.at(-1);
  if (last !== undefined && next.uptimeMs - last.uptimeMs < READING_MS) return all;
  // Two always stay, so that a screen that looks once a minute has something to compare.
  const from = next.uptimeMs - windowMs;
  const kept = all.filter(({ uptimeMs }, at) => uptimeMs >= from || at === all.length - 1);
  return [...kept, next];
}

function addPoint(
  { points, pointFrom }: History,
  reading: Reading,
  { gateway, ttft, itl }: LiveDocument,
): Pick<History, 'points' | 'pointFrom'> {
  const rates = ratesBetween(pointFrom, reading);
  if (rates === null || reading.uptimeMs - pointFrom.uptimeMs < POINT_MS) {
    return { points, pointFrom };
  }
  const p95 = (bounds: readonly number[], which: 'ttft' | 'itl') =>
    quantileOf(bounds, countsBetween(pointFrom[which], reading[which]), 0.95);
  const point = {
    ...rates,
    ttftP95Ms: p95(ttft.bounds_ms, 'ttft'),
    itlP95Ms: p95(itl.bounds_ms, 'itl'),
    inFlight: gateway.in_flight,
    queued: gateway.queued,
  };
  return { points: [...points, point].slice(-POINTS_MAX), pointFrom: reading };
}
