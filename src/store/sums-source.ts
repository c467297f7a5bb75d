import type { Database, SqlValue } from './sqlite.ts';
import { GRAINS, type Grain } from './sum-columns.ts';
import type { ConditionSql } from './usage-dimension.ts';
import { monthOf, monthStartMs, QUARTER_MS, type UsageSpan } from './usage-range.ts';

/** Single sums looked up, up to which that is quicker than reading all sums of the time. */
const MAX_LOOK_UPS = 20_000;

/** The sums of one span, as what stands behind FROM and WHERE. */
export interface SumsSource {
  readonly from: string;
  readonly where: string;
  readonly fromValues: readonly SqlValue[];
  readonly whereValues: readonly SqlValue[];
}

/**
 * Reads the sums of a span that meet the conditions, with their `dimensions d` when asked for. Sums
 * lie in the order of time, so all of a month are read at once; but for one key among thousands its
 * own few are looked up one by one.
 */
export function selectSums(
  db: Database,
  span: UsageSpan,
  conditions: readonly ConditionSql[],
  withDimensions: boolean,
): SumsSource {
  const ofDimension = conditions.filter(({ from }) => from === 'd');
  const where = conditions.map(({ sql }) => sql);
  const whereValues = conditions.flatMap(({ values }) => values);
  if (ofDimension.length > 0 && lookUpsFor(db, span, ofDimension) <= MAX_LOOK_UPS) {
    const starts = Array.from({ length: span.to - span.from }, (_, at) => span.from + at);
    return {
      from: `dimensions d CROSS JOIN usage_sums u ON u.grain = ${span.grain}
        AND u.start IN (SELECT value FROM json_each(?)) AND u.dimension = d.id`,
      where: where.join(' AND '),
      fromValues: [JSON.stringify(starts)],
      whereValues,
    };
  }
  const join = withDimensions || ofDimension.length > 0;
  return {
    from: `usage_sums u ${join ? 'LEFT JOIN dimensions d ON d.id = u.dimension' : ''}`,
    where: [`u.grain = ${span.grain} AND u.start >= ? AND u.start < ?`, ...where].join(' AND '),
    fromValues: [],
    whereValues: [span.from, span.to, ...whereValues],
  };
}

/**
 * The part of a time in which there is anything. Where all there is ends before the time does, the
 * end of its month is as good an end, so that larger sums will do: of a month that still runs, too.
 */
export function clampToSums(
  db: Database,
  sinceMs: number,
  untilMs: number,
): { readonly sinceMs: number; readonly untilMs: number } {
  const first = findStart(db, GRAINS.month, 'ASC');
  const last = findStart(db, GRAINS.quarter, 'DESC');
  if (first === undefined || last === undefined) return { sinceMs, untilMs };
  const lastMs = last * QUARTER_MS;
  return {
    sinceMs: Math.max(sinceMs, monthStartMs(first)),
    untilMs: lastMs < untilMs ? monthStartMs(monthOf(lastMs) + 1) : untilMs,
  };
}

function findStart(db: Database, grain: Grain, order: 'ASC' | 'DESC'): number | undefined {
  return db
    .prepare<[number], number>(
      `SELECT start FROM usage_sums WHERE grain = ? ORDER BY start ${order} LIMIT 1`,
    )
    .pluck()
    .get(grain);
}

function lookUpsFor(db: Database, span: UsageSpan, conditions: readonly ConditionSql[]): number {
  const most = Math.floor(MAX_LOOK_UPS / (span.to - span.from)) + 1;
  const matching = db
    .prepare<SqlValue[], number>(
      `SELECT count(*) FROM (SELECT 1 FROM dimensions d
        WHERE ${conditions.map(({ sql }) => sql).join(' AND ')} LIMIT ${most})`,
    )
    .pluck()
    .get(...conditions.flatMap(({ values }) => values));
  return (matching ?? 0) * (span.to - span.from);
}
