import { GateError } from '../core/error.ts';
import type { SqlValue } from './sqlite.ts';
import { USAGE_DIMENSIONS, type UsageDimension } from './usage-report.ts';

/** How one dimension is read from `usage_rollups u`. */
export interface DimensionSql {
  /** What rows are grouped by. */
  readonly group: string;
  /** The text of a group `g`, taken after grouping. */
  readonly text: (group: string) => string;
  /** A common table expression and the join on it, for tags. */
  readonly table?: { readonly with: string; readonly join: string; readonly value: string };
}

export interface ConditionSql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const HOUR_MS = 3_600_000;

const TIME_FORMATS = {
  hour: /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/,
  day: /^\d{4}-\d\d-\d\d$/,
  month: /^\d{4}-\d\d$/,
} as const;

type TimeDimension = keyof typeof TIME_FORMATS;

export function isTimeDimension(dimension: UsageDimension): dimension is TimeDimension {
  return Object.hasOwn(TIME_FORMATS, dimension);
}

/** `position` makes the name of a tag's table unique in the statement. */
export function groupBy(dimension: UsageDimension, position: number): DimensionSql {
  if (dimension === 'hour') {
    return { group: 'u.hour', text: (g) => utc('%Y-%m-%dT%H:00:00Z', `${g} * ${HOUR_SECONDS}`) };
  }
  if (dimension === 'day') {
    return { group: 'u.hour / 24', text: (g) => utc('%Y-%m-%d', `${g} * ${DAY_SECONDS}`) };
  }
  if (dimension === 'month') {
    return { group: utc('%Y-%m', `u.hour * ${HOUR_SECONDS}`), text: (g) => g };
  }
  const tag = tagOf(dimension);
  if (tag !== undefined) return groupByTag(tag, `tag${position}`);
  return {
    group: `u.${columnOf(dimension)}`,
    text: (g) => `(SELECT name FROM names WHERE id = ${g})`,
  };
}

/** Rows whose value in the dimension is exactly this. Throws `invalid_request` on a bad time. */
export function whereIs(dimension: UsageDimension, value: string): ConditionSql {
  if (isTimeDimension(dimension)) return whereTimeIs(dimension, value);
  const tag = tagOf(dimension);
  if (tag !== undefined) {
    const sql = `u.tags IN (SELECT s.id FROM tag_sets s, json_each(s.tags) j
      WHERE j.key = ? AND j.value = ?)`;
    return { sql, values: [tag, value] };
  }
  const sql = `u.${columnOf(dimension)} = (SELECT id FROM names WHERE name = ?)`;
  return { sql, values: [value] };
}

function groupByTag(tag: string, table: string): DimensionSql {
  return {
    group: `${table}.value`,
    text: (g) => g,
    table: {
      with: `${table} (id, value) AS MATERIALIZED (
        SELECT s.id, j.value FROM tag_sets s, json_each(s.tags) j WHERE j.key = ?)`,
      join: `LEFT JOIN ${table} ON ${table}.id = u.tags`,
      value: tag,
    },
  };
}

function whereTimeIs(dimension: TimeDimension, value: string): ConditionSql {
  const startMs = TIME_FORMATS[dimension].test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(startMs)) {
    throw new GateError('invalid_request', `${dimension} must look like ${exampleOf(dimension)}.`);
  }
  const sql = 'u.hour >= ? AND u.hour < ?';
  return { sql, values: [startMs / HOUR_MS, endOf(dimension, startMs) / HOUR_MS] };
}

function endOf(dimension: TimeDimension, startMs: number): number {
  if (dimension === 'hour') return startMs + HOUR_MS;
  if (dimension === 'day') return startMs + 24 * HOUR_MS;
  const start = new Date(startMs);
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1);
}

function exampleOf(dimension: TimeDimension): string {
  const example = '2026-11-20T10:00:00Z';
  if (dimension === 'hour') return example;
  return example.slice(0, dimension === 'day' ? 10 : 7);
}

function utc(format: string, seconds: string): string {
  return `strftime('${format}', ${seconds}, 'unixepoch')`;
}

function tagOf(dimension: UsageDimension): string | undefined {
  return dimension.startsWith('tag:') ? dimension.slice('tag:'.length) : undefined;
}

/** Never a name from outside: only one of our own words may stand in a statement. */
function columnOf(dimension: UsageDimension): string {
  const column = USAGE_DIMENSIONS.find((known) => known === dimension);
  if (column === undefined) {
    throw new GateError('invalid_request', `Usage has no dimension ${dimension}.`);
  }
  return column;
}
