import { GateError } from '../core/error.ts';
import type { SqlValue } from './sqlite.ts';
import type { UsageSpan } from './usage-range.ts';
import { USAGE_DIMENSIONS, type UsageDimension } from './usage-report.ts';
import { isTimeDimension, timeNumberOf } from './usage-time.ts';

/** How one dimension is read from `usage_sums u` and their `dimensions d`. */
export interface DimensionSql {
  /** What sums are grouped by: a number of a time, an id of `names`, or the value of a tag. */
  readonly group: string;
  /** Where a value of it comes from. */
  readonly from: 'u' | 'd';
  /** A common table expression and the join on it, for tags. */
  readonly table?: { readonly with: string; readonly join: string; readonly value: string };
}

export interface ConditionSql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  readonly from: 'u' | 'd';
}

/** `position` makes the name of a tag's table unique in the statement. */
export function groupBy(
  dimension: UsageDimension,
  position: number,
  span: UsageSpan,
): DimensionSql {
  if (isTimeDimension(dimension)) return { group: timeNumberOf(dimension, span), from: 'u' };
  const tag = tagOf(dimension);
  if (tag !== undefined) return groupByTag(tag, `tag${position}`);
  const column = columnOf(dimension);
  return { group: column, from: column.startsWith('u') ? 'u' : 'd' };
}

/** Sums whose value in the dimension is exactly this. Times are narrowed elsewhere. */
export function whereIs(dimension: UsageDimension, value: string): ConditionSql {
  const tag = tagOf(dimension);
  if (tag !== undefined) {
    const sql = `d.tags IN (SELECT s.id FROM tag_sets s, json_each(s.tags) j
      WHERE j.key = ? AND j.value = ?)`;
    return { sql, values: [tag, value], from: 'd' };
  }
  const column = columnOf(dimension);
  const sql = `${column} = (SELECT id FROM names WHERE name = ?)`;
  return { sql, values: [value], from: column.startsWith('u') ? 'u' : 'd' };
}

export function tagOf(dimension: UsageDimension): string | undefined {
  return dimension.startsWith('tag:') ? dimension.slice('tag:'.length) : undefined;
}

function groupByTag(tag: string, table: string): DimensionSql {
  return {
    group: `${table}.value`,
    from: 'd',
    table: {
      with: `${table} (id, value) AS MATERIALIZED (
        SELECT s.id, j.value FROM tag_sets s, json_each(s.tags) j WHERE j.key = ?)`,
      join: `LEFT JOIN ${table} ON ${table}.id = d.tags`,
      value: tag,
    },
  };
}

/** Never a name from outside: only one of our own words may stand in a statement. */
function columnOf(dimension: UsageDimension): string {
  const column = USAGE_DIMENSIONS.find((known) => known === dimension);
  if (column === undefined) {
    throw new GateError('invalid_request', `Usage has no dimension ${dimension}.`);
  }
  return column === 'outcome' ? 'u.outcome' : `d.${column}`;
}
