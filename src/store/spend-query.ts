import { readKeptSums, widenToKept } from './kept-sums.ts';
import type { Database, SqlValue } from './sqlite.ts';
import type { Spend } from './store.ts';
import { GRAINS } from './sum-columns.ts';
import { clampToSums } from './sums-source.ts';
import { floorToQuarter, monthStartMs, planSpans } from './usage-range.ts';

/** Later than anything was ever booked. */
const FAR_FUTURE_MS = monthStartMs(9_999 * 12);

type SpendColumns = [
  keyId: string | null,
  user: string | null,
  team: string | null,
  tenant: string | null,
  model: string | null,
  costNanoUsd: bigint,
  tokens: bigint,
];

/**
 * What every payer spent from the quarter of an hour that holds `sinceMs`, from the largest sums
 * that make up the time; the sums must be caught up.
 */
export function querySpend(db: Database, sinceMs: number): Spend[] {
  const sinceQuarterMs = floorToQuarter(Math.max(0, sinceMs));
  const kept = readKeptSums(db);
  const since = widenToKept({ sinceMs: sinceQuarterMs, untilMs: FAR_FUTURE_MS }, kept).sinceMs;
  const time = clampToSums(db, since, FAR_FUTURE_MS);
  const spans = planSpans(time.sinceMs, time.untilMs, GRAINS.month);
  const parts = spans.map(
    () => `SELECT dimension, cost_nano_usd, input_tokens + output_tokens AS tokens
      FROM usage_sums WHERE grain = ? AND start >= ? AND start < ?`,
  );
  if (parts.length === 0) return [];
  const values = spans.flatMap(({ grain, from, to }) => [grain, from, to]);
  return selectSpend(db, parts.join(' UNION ALL '), values);
}

/**
 * Joins sums of single dimensions, given by a statement with the columns `dimension, cost_nano_usd,
 * tokens`, to those of payers.
 */
export function selectSpend(db: Database, ofDimensions: string, values: SqlValue[] = []): Spend[] {
  const name = (column: string) => `(SELECT name FROM names WHERE id = ${column})`;
  return db
    .prepare<SqlValue[], SpendColumns>(
      `SELECT ${['key', 'user', 'team', 'tenant', 'model'].map(name).join(', ')}, cost, used
       FROM (
         SELECT d.key, d.user, d.team, d.tenant, d.model, sum(s.cost_nano_usd) AS cost,
           sum(s.tokens) AS used
         FROM (
           SELECT dimension, sum(cost_nano_usd) AS cost_nano_usd, sum(tokens) AS tokens
           FROM (${ofDimensions}) GROUP BY dimension
         ) s LEFT JOIN dimensions d ON d.id = s.dimension
         GROUP BY d.key, d.user, d.team, d.tenant, d.model
         HAVING cost > 0 OR used > 0
       )`,
    )
    .raw()
    .safeIntegers()
    .all(...values)
    .map(([keyId, user, team, tenant, model, costNanoUsd, tokens]) => ({
      keyId: keyId ?? '',
      user,
      team,
      tenant,
      model: model ?? '',
      costNanoUsd,
      tokens,
    }));
}
