import { USAGE_COLUMNS } from './usage-columns.ts';

/**
 * How long a time one sum of `usage_sums` covers, as its column `grain` says it. A request belongs
 * to the times it started in.
 */
export const GRAINS = { quarter: 0, day: 1, month: 2 } as const;
export type Grain = (typeof GRAINS)[keyof typeof GRAINS];

/** The columns that tell one sum from another. */
export const SUM_KEY = ['grain', 'start', 'dimension', 'outcome'] as const;

/** What is added up, in the order of the table. `ttft`, a histogram, comes after them. */
export const SUM_COLUMNS = [
  'requests',
  'unpriced',
  'estimated',
  ...USAGE_COLUMNS,
  'gpu_us',
  'cost_nano_usd',
  'estimated_cost_nano_usd',
] as const;
export type SumColumn = (typeof SUM_COLUMNS)[number];

/** What SUM_COLUMNS are for rows of `requests r` and their `endings x`. */
export const REQUEST_SUMS = [
  'count(*)',
  'sum(r.cost_nano_usd IS NULL)',
  'coalesce(sum(x.estimated), 0)',
  ...USAGE_COLUMNS.map((column) => `sum(r.${column})`),
  'sum(r.gpu_us)',
  'coalesce(sum(r.cost_nano_usd), 0)',
  'coalesce(sum(iif(x.estimated, r.cost_nano_usd, 0)), 0)',
].join(', ');

/**
 * Columns of a temporary table of sums, with the types of `usage_sums`: between columns of different
 * types no index is used.
 */
export const SUM_TABLE = [
  ...[...SUM_KEY, ...SUM_COLUMNS].map((column) => `${column} INTEGER NOT NULL`),
  'ttft TEXT',
  `PRIMARY KEY (${SUM_KEY.join(', ')})`,
] as const;

/** Adds a sum to the one that has its key already; ends before what becomes of `ttft`. */
export const ADD_SUMS = `ON CONFLICT DO UPDATE SET ${SUM_COLUMNS.map(
  (column) => `${column} = ${column} + excluded.${column}`,
).join(', ')}`;

/** True where both sides have the same key. */
export function sameKey(left: string, right: string): string {
  return SUM_KEY.map((column) => `${left}.${column} = ${right}.${column}`).join(' AND ');
}
