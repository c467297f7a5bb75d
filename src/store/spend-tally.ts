import { selectSpend } from './spend-query.ts';
import type { Database } from './sqlite.ts';
import type { Spend } from './store.ts';
import { GRAINS } from './sum-columns.ts';

/** What requests add up to in all, gathered batch by batch in a temporary table. */
export interface SpendTally {
  clear(): void;
  /** Takes the sums of months in `temp.sum_batch`. */
  add(): void;
  totals(): SpendTotals;
  spend(): Spend[];
}

export interface SpendTotals {
  readonly requests: bigint;
  readonly estimated: bigint;
  readonly costNanoUsd: bigint;
  readonly estimatedNanoUsd: bigint;
}

const CREATE = `CREATE TEMP TABLE IF NOT EXISTS spend_tally (dimension INTEGER PRIMARY KEY,
  requests, estimated, cost_nano_usd, estimated_cost_nano_usd, tokens)`;

const ADD = `INSERT INTO temp.spend_tally
  SELECT dimension, sum(requests), sum(estimated), sum(cost_nano_usd),
    sum(estimated_cost_nano_usd), sum(input_tokens + output_tokens)
  FROM temp.sum_batch WHERE grain = ${GRAINS.month} GROUP BY dimension
  ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
    estimated = estimated + excluded.estimated,
    cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
    estimated_cost_nano_usd = estimated_cost_nano_usd + excluded.estimated_cost_nano_usd,
    tokens = tokens + excluded.tokens`;

const TOTALS = `SELECT coalesce(sum(requests), 0) AS requests,
    coalesce(sum(estimated), 0) AS estimated, coalesce(sum(cost_nano_usd), 0) AS costNanoUsd,
    coalesce(sum(estimated_cost_nano_usd), 0) AS estimatedNanoUsd
  FROM temp.spend_tally`;

const NONE: SpendTotals = { requests: 0n, estimated: 0n, costNanoUsd: 0n, estimatedNanoUsd: 0n };

export function openSpendTally(db: Database): SpendTally {
  db.exec(CREATE);
  const clear = db.prepare('DELETE FROM temp.spend_tally');
  const add = db.prepare(ADD);
  const totals = db.prepare<[], SpendTotals>(TOTALS).safeIntegers();
  return {
    clear: () => void clear.run(),
    add: () => void add.run(),
    totals: () => totals.get() ?? NONE,
    spend: () => selectSpend(db, 'SELECT dimension, cost_nano_usd, tokens FROM temp.spend_tally'),
  };
}
