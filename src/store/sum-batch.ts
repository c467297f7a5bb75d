import type { Database } from './sqlite.ts';
import { GRAINS, REQUEST_SUMS, SUM_COLUMNS, SUM_KEY, SUM_TABLE } from './sum-columns.ts';
import { registerTtftFunctions, TTFT_BUCKET } from './ttft-functions.ts';

/**
 * The sums of a stretch of requests in every grain, gathered in `temp.sum_batch` of this connection
 * before any lock is taken. Its `ttft` holds the buckets of the samples one by one (`81,92,81`).
 */
export interface SumBatch {
  /** Sums the requests after `fromSeq` up to `toSeq`; returns how many sums of quarters they make. */
  fill(fromSeq: number, toSeq: number): number;
  /** Sums of days and months, out of those of quarters. */
  widen(): void;
}

const COLUMNS = [...SUM_KEY, ...SUM_COLUMNS, 'ttft'].join(', ');

const CREATE = `CREATE TEMP TABLE IF NOT EXISTS sum_batch
  (${SUM_TABLE.join(', ')}) STRICT, WITHOUT ROWID`;

const SUM_QUARTERS = `INSERT INTO temp.sum_batch (${COLUMNS})
  SELECT ${GRAINS.quarter}, r.started_at_ms / 900000, r.dimension, coalesce(x.outcome, 0),
    ${REQUEST_SUMS}, group_concat(${TTFT_BUCKET})
  FROM requests r LEFT JOIN endings x ON x.id = r.ending
  WHERE r.seq > ? AND r.seq <= ? GROUP BY 2, 3, 4`;

/** The month that a day since the epoch lies in, counted from the year 0. */
const MONTH_OF_DAY = `CAST(strftime('%Y', start * 86400, 'unixepoch') AS INTEGER) * 12
  + CAST(strftime('%m', start * 86400, 'unixepoch') AS INTEGER) - 1`;

function widenTo(grain: number, start: string): string {
  const sums = SUM_COLUMNS.map((column) => `sum(${column})`).join(', ');
  return `INSERT INTO temp.sum_batch (${COLUMNS})
    SELECT ${grain}, ${start}, dimension, outcome, ${sums}, group_concat(ttft)
    FROM temp.sum_batch WHERE grain = ${grain - 1} GROUP BY 2, 3, 4`;
}

/** Also gives the connection its functions for histograms. */
export function openSumBatch(db: Database): SumBatch {
  registerTtftFunctions(db);
  db.exec(CREATE);
  const clear = db.prepare('DELETE FROM temp.sum_batch');
  const sumQuarters = db.prepare<[number, number]>(SUM_QUARTERS);
  const sumDays = db.prepare(widenTo(GRAINS.day, 'start / 96'));
  const sumMonths = db.prepare(widenTo(GRAINS.month, MONTH_OF_DAY));
  return {
    fill(fromSeq, toSeq) {
      clear.run();
      return sumQuarters.run(fromSeq, toSeq).changes;
    },
    widen() {
      sumDays.run();
      sumMonths.run();
    },
  };
}
