import { GateError } from '../core/error.ts';
import type { Database, SqlValue } from './sqlite.ts';
import type { HourlySpend } from './store.ts';
import {
  medianMs,
  mergeHistogram,
  parseHistogram,
  renderHistogram,
  type TtftHistogram,
} from './ttft-histogram.ts';
import { groupBy, isTimeDimension, whereIs } from './usage-dimension.ts';
import type { UsageQuery, UsageReport, UsageRow } from './usage-report.ts';

const HOUR_MS = 3_600_000;

/** A longer report is read by nobody, and would not fit in memory. */
const MAX_GROUPS = 100_000;

/** In the order of the columns after the group's own. Sums are bigints: they may pass 2^53. */
const SUMS = [
  'requests',
  'errors',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'unpriced',
  'estimated',
] as const;

type GroupColumns = (string | bigint | null)[];

/** The functions in SQL that reports use; once per connection. */
export function registerUsageFunctions(db: Database): void {
  db.aggregate<TtftHistogram>('merge_ttft', {
    start: () => new Map(),
    step(histogram, text: unknown) {
      if (typeof text === 'string') mergeHistogram(histogram, parseHistogram(text));
    },
    result: renderHistogram,
  });
}

/** Sums of the rollups, which must be caught up. Throws `invalid_request` on a bad dimension. */
export function queryUsage(db: Database, query: UsageQuery): UsageReport {
  const sinceHour = Math.floor(query.sinceMs / HOUR_MS);
  const untilHour = Math.ceil(query.untilMs / HOUR_MS);
  const { sql, values } = toSql(query, sinceHour, untilHour);
  const groups = db
    .prepare<SqlValue[], GroupColumns>(sql)
    .raw()
    .safeIntegers()
    .all(...values);
  if (groups.length > MAX_GROUPS) {
    throw new GateError(
      'invalid_request',
      `The report has over ${MAX_GROUPS} rows; ask for fewer dimensions or a shorter time.`,
    );
  }
  const histogram: TtftHistogram = new Map();
  const rows = groups.map((columns) => {
    const ttft = parseHistogram(textOf(columns.at(-1)));
    mergeHistogram(histogram, ttft);
    return toRow(
      columns.slice(0, query.by.length).map(textOf),
      columns.slice(query.by.length),
      ttft,
    );
  });
  return {
    sinceMs: sinceHour * HOUR_MS,
    untilMs: untilHour * HOUR_MS,
    rows: rows.toSorted(compareFor(query)),
    total: { ...sumOf(rows), ttftMsP50: medianMs(histogram) },
  };
}

/** Money spent per key and hour from the hour that holds `sinceMs`. */
export function querySpend(db: Database, sinceMs: number): HourlySpend[] {
  return db
    .prepare<[number], [string, bigint, bigint]>(
      `SELECT (SELECT name FROM names WHERE id = key), hour, sum(cost_nano_usd)
       FROM usage_rollups WHERE hour >= ? GROUP BY hour, key ORDER BY hour, key`,
    )
    .raw()
    .safeIntegers()
    .all(Math.floor(sinceMs / HOUR_MS))
    .map(([keyId, hour, costNanoUsd]) => ({
      keyId,
      hourStartMs: Number(hour) * HOUR_MS,
      costNanoUsd,
    }));
}

function toSql(query: UsageQuery, sinceHour: number, untilHour: number) {
  const dimensions = query.by.map((dimension, position) => groupBy(dimension, position));
  const tables = dimensions.flatMap(({ table }) => (table === undefined ? [] : [table]));
  const conditions = query.where.map(({ dimension, value }) => whereIs(dimension, value));
  const groups = dimensions.map(({ group }, position) => `${group} AS g${position}`);
  const texts = dimensions.map(({ text }, position) => text(`g${position}`));
  const withs = tables.map((table) => table.with).join(', ');
  const sql = `${withs && `WITH ${withs}`}
    SELECT ${[...texts, ...SUMS, 'ttft'].join(', ')} FROM (
      SELECT ${[...groups, ...SUMS.map(sumColumn), 'merge_ttft(u.ttft) AS ttft'].join(', ')}
      FROM usage_rollups u ${tables.map((table) => table.join).join(' ')}
      WHERE ${['u.hour >= ? AND u.hour < ?', ...conditions.map((one) => one.sql)].join(' AND ')}
      ${groups.length > 0 ? `GROUP BY ${groups.map((_, position) => `g${position}`).join()}` : ''}
      HAVING count(*) > 0
      LIMIT ${MAX_GROUPS + 1}
    )`;
  const values: SqlValue[] = [
    ...tables.map((table) => table.value),
    sinceHour,
    untilHour,
    ...conditions.flatMap((one) => one.values),
  ];
  return { sql, values };
}

function sumColumn(name: (typeof SUMS)[number]): string {
  if (name !== 'errors') return `sum(u.${name}) AS ${name}`;
  const served = "(SELECT id FROM names WHERE name = 'served')";
  return `sum(iif(u.outcome IS ${served}, 0, u.requests)) AS errors`;
}

function toRow(group: UsageRow['group'], sums: GroupColumns, ttft: TtftHistogram): UsageRow {
  const [requests, errors, input, cachedInput, output, reasoning, cost, unpriced, estimated] = sums;
  return {
    group,
    requests: Number(requests),
    errors: Number(errors),
    inputTokens: Number(input),
    cachedInputTokens: Number(cachedInput),
    outputTokens: Number(output),
    reasoningTokens: Number(reasoning),
    costNanoUsd: BigInt(cost ?? 0),
    unpriced: Number(unpriced),
    estimated: Number(estimated),
    ttftMsP50: medianMs(ttft),
  };
}

function sumOf(rows: readonly UsageRow[]): Omit<UsageRow, 'ttftMsP50'> {
  const total = {
    group: [],
    requests: 0,
    errors: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    costNanoUsd: 0n,
    unpriced: 0,
    estimated: 0,
  };
  for (const row of rows) {
    total.requests += row.requests;
    total.errors += row.errors;
    total.inputTokens += row.inputTokens;
    total.cachedInputTokens += row.cachedInputTokens;
    total.outputTokens += row.outputTokens;
    total.reasoningTokens += row.reasoningTokens;
    total.costNanoUsd += row.costNanoUsd;
    total.unpriced += row.unpriced;
    total.estimated += row.estimated;
  }
  return total;
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

function textOf(value: string | bigint | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}
