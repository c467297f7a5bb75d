import { GateError } from '../core/error.ts';
import { type KeptSums, keptFromMs, readKeptSums, widenToKept } from './kept-sums.ts';
import type { Database, SqlValue } from './sqlite.ts';
import { SUM_COLUMNS, type SumColumn } from './sum-columns.ts';
import { clampToSums, selectSums } from './sums-source.ts';
import { TtftHistogram } from './ttft-histogram.ts';
import { type ConditionSql, groupBy, whereIs } from './usage-dimension.ts';
import { ceilToQuarter, floorToQuarter, planSpans, type UsageSpan } from './usage-range.ts';
import type { UsageQuery, UsageReport, UsageRow } from './usage-report.ts';
import { coarsestFor, isTimeDimension, parseTime, renderTimeNumber } from './usage-time.ts';

/** A longer report is read by nobody, and would not fit in memory. */
const MAX_GROUPS = 100_000;

/** In the order of the columns after the group's own. Sums are bigints: they may pass 2^53. */
const COUNTERS = ['errors', ...SUM_COLUMNS] as const;
type Counter = 'errors' | SumColumn;

/** The value of each dimension as the statement gives it: a number, an id, a tag. */
type GroupKey = readonly (bigint | string | null)[];

interface Group {
  readonly key: GroupKey;
  readonly sums: bigint[];
  /** Stored histograms, joined. */
  ttft: string;
}

/**
 * Adds up the largest sums that make up the time; the sums must be caught up. Throws
 * `invalid_request` on a bad dimension and when there would be too many rows.
 */
export function queryUsage(db: Database, query: UsageQuery): UsageReport {
  const kept = readKeptSums(db);
  const time = { sinceMs: floorToQuarter(query.sinceMs), untilMs: ceilToQuarter(query.untilMs) };
  const { sinceMs, untilMs } = widenToKept(time, kept);
  const groups = new Map<string, Group>();
  for (const span of planFor(db, query, { sinceMs, untilMs }, kept))
    addSpan(db, query, span, groups);
  const total = new TtftHistogram();
  const each = new TtftHistogram();
  const textOf = openTexts(db, query);
  const rows = [...groups.values()].map(({ key, sums, ttft }) => {
    each.clear();
    each.addText(ttft);
    total.addAll(each);
    return toRow(key.map(textOf), sums, each.medianMs());
  });
  const sums = COUNTERS.map((_, at) => sumOf(groups.values(), at));
  return {
    sinceMs,
    untilMs,
    rows: rows.toSorted(compareFor(query)),
    total: toRow([], sums, total.medianMs()),
  };
}

function planFor(
  db: Database,
  query: UsageQuery,
  { sinceMs, untilMs }: Pick<UsageQuery, 'sinceMs' | 'untilMs'>,
  kept: KeptSums,
): readonly UsageSpan[] {
  const times = query.where.flatMap(({ dimension, value }) =>
    isTimeDimension(dimension) ? [parseTime(dimension, value)] : [],
  );
  const asked = {
    sinceMs: Math.max(sinceMs, ...times.map((time) => time.sinceMs)),
    untilMs: Math.min(untilMs, ...times.map((time) => time.untilMs)),
  };
  if (asked.sinceMs >= asked.untilMs) return [];
  const fromMs = keptFromMs(coarsestFor(query.by), kept);
  const least = widenToKept(asked, kept);
  if (asked.sinceMs < fromMs || least.sinceMs < asked.sinceMs || least.untilMs > asked.untilMs) {
    throw notKept(Math.max(fromMs, kept.daysFromMs));
  }
  const clamped = clampToSums(db, asked.sinceMs, asked.untilMs);
  return planSpans(clamped.sinceMs, clamped.untilMs, coarsestFor(query.by));
}

function notKept(fromMs: number): GateError {
  const from = new Date(fromMs).toISOString();
  return new GateError(
    'invalid_request',
    `Sums as fine as that are kept from ${from} on; ask for a later time, or for larger ones.`,
  );
}

function addSpan(
  db: Database,
  query: UsageQuery,
  span: UsageSpan,
  groups: Map<string, Group>,
): void {
  const { sql, values } = toSql(db, query, span);
  const statement = db.prepare<SqlValue[], (bigint | string | null)[]>(sql).raw().safeIntegers();
  const width = query.by.length;
  for (const columns of statement.iterate(...values)) {
    const key = columns.slice(0, width);
    const name = key.map(nameOf).join();
    const sums = columns.slice(width, -1).map((value) => BigInt(value ?? 0));
    const ttft = String(columns.at(-1) ?? '');
    const known = groups.get(name);
    if (known === undefined) groups.set(name, { key, sums, ttft });
    else {
      for (const [at, sum] of sums.entries()) known.sums[at] = (known.sums[at] ?? 0n) + sum;
      known.ttft += ttft;
    }
    if (groups.size > MAX_GROUPS) {
      throw new GateError(
        'invalid_request',
        `The report has over ${MAX_GROUPS} rows; ask for fewer dimensions or a shorter time.`,
      );
    }
  }
}

/** Never the same for a number, a text and nothing. */
function nameOf(value: bigint | string | null): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function toSql(db: Database, query: UsageQuery, span: UsageSpan) {
  const dimensions = query.by.map((dimension, position) => groupBy(dimension, position, span));
  const tables = dimensions.flatMap(({ table }) => (table === undefined ? [] : [table]));
  const conditions = query.where.flatMap(({ dimension, value }): ConditionSql[] =>
    isTimeDimension(dimension) ? [] : [whereIs(dimension, value)],
  );
  const withDimensions = dimensions.some(({ from }) => from === 'd');
  const source = selectSums(db, span, conditions, withDimensions);
  const groups = dimensions.map(({ group }, position) => `${group} AS g${position}`);
  const withs = tables.map((table) => table.with).join(', ');
  const sql = `${withs && `WITH ${withs}`}
    SELECT ${[...groups, ...COUNTERS.map(sumColumn), 'merge_ttft(u.ttft)'].join(', ')}
    FROM ${source.from} ${tables.map((table) => table.join).join(' ')}
    WHERE ${source.where}
    ${groups.length > 0 ? `GROUP BY ${groups.map((_, position) => `g${position}`).join()}` : ''}
    HAVING count(*) > 0`;
  const values: SqlValue[] = [
    ...tables.map((table) => table.value),
    ...source.fromValues,
    ...source.whereValues,
  ];
  return { sql, values };
}

function sumColumn(name: Counter): string {
  if (name !== 'errors') return `sum(u.${name})`;
  const served = "(SELECT id FROM names WHERE name = 'served')";
  return `sum(iif(u.outcome IS ${served}, 0, u.requests))`;
}

/** The text of each value of a group, by the place of its dimension. */
function openTexts(db: Database, { by }: UsageQuery) {
  const selectName = db
    .prepare<[bigint | string], string>('SELECT name FROM names WHERE id = ?')
    .pluck();
  const names = new Map<bigint | string, string | null>();
  const findName = (id: bigint | string): string | null => {
    const known = names.get(id);
    if (known !== undefined) return known;
    const name = selectName.get(id) ?? null;
    names.set(id, name);
    return name;
  };
  return (value: bigint | string | null, position: number): string | null => {
    const dimension = by[position];
    if (value === null || dimension === undefined) return null;
    if (isTimeDimension(dimension)) return renderTimeNumber(dimension, Number(value));
    if (dimension.startsWith('tag:')) return String(value);
    return findName(value);
  };
}

function toRow(
  group: UsageRow['group'],
  sums: readonly bigint[],
  ttftMsP50: number | null,
): UsageRow {
  // In the order of COUNTERS.
  const [errors, requests, unpriced, estimated, ...rest] = sums;
  const [input, cachedInput, cacheWrite, audioInput, imageInput, ...more] = rest;
  const [output, reasoning, audioOutput, imageOutput, gpuUs, cost, estimatedCost] = more;
  return {
    group,
    requests: Number(requests),
    errors: Number(errors),
    inputTokens: Number(input),
    cachedInputTokens: Number(cachedInput),
    cacheWriteTokens: Number(cacheWrite),
    audioInputTokens: Number(audioInput),
    imageInputTokens: Number(imageInput),
    outputTokens: Number(output),
    reasoningTokens: Number(reasoning),
    audioOutputTokens: Number(audioOutput),
    imageOutputTokens: Number(imageOutput),
    gpuUs: Number(gpuUs),
    costNanoUsd: cost ?? 0n,
    unpriced: Number(unpriced),
    estimated: Number(estimated),
    estimatedNanoUsd: estimatedCost ?? 0n,
    ttftMsP50,
  };
}

function sumOf(groups: Iterable<Group>, at: number): bigint {
  let sum = 0n;
  for (const { sums } of groups) sum += sums[at] ?? 0n;
  return sum;
}

/** Dearest first, then busiest; a report led by time runs in time. Ties by name. */
function compareFor(query: UsageQuery): (left: UsageRow, right: UsageRow) => number {
  const [leading] = query.by;
  const inTime = leading !== undefined && isTimeDimension(leading);
  return (left, right) =>
    (inTime ? compareText(left.group[0], right.group[0]) : 0) ||
    Number(right.costNanoUsd > left.costNanoUsd) - Number(right.costNanoUsd < left.costNanoUsd) ||
    right.requests - left.requests ||
    compareText(left.group.join(), right.group.join());
}

function compareText(left: string | null | undefined, right: string | null | undefined): number {
  return Number((left ?? '') > (right ?? '')) - Number((left ?? '') < (right ?? ''));
}
