import type { Database } from './sqlite.ts';
import { openSumBatch } from './sum-batch.ts';
import { GRAINS, SUM_COLUMNS } from './sum-columns.ts';
import { storedTtft } from './ttft-functions.ts';
import type { DAY_MS, QUARTER_MS } from './usage-range.ts';

// What `purged_ranges.sums` of a range of requests holds:
//
//   {"first_ms": …, "last_ms": …, "sums": [[month, dimension, outcome, requests, …, ttft], …]}
//
// the earliest and the latest time a purged request started at, and what the requests added up to
// by month, in the columns of `usage_sums`. So the rows that are left and these together are what
// the sums of months must be, for ever. Of the quarters and days that purged requests started in
// nothing is left to hold their sums against: those are taken as they are.

/** The sums of the requests after `fromSeq` up to `toSeq`, for `purged_ranges.sums`. */
export function renderPurgedSums(db: Database, fromSeq: number, toSeq: number): string {
  const batch = openSumBatch(db);
  batch.fill(fromSeq, toSeq);
  batch.widen();
  const columns = ['start', 'dimension', 'outcome', ...SUM_COLUMNS].join(', ');
  return String(
    db
      .prepare<[number, number], string>(
        `SELECT json_object('first_ms', min(started_at_ms), 'last_ms', max(started_at_ms), 'sums',
           json((SELECT json_group_array(json_array(${columns}, ${storedTtft('ttft')}))
             FROM temp.sum_batch WHERE grain = ${GRAINS.month})))
         FROM requests WHERE seq > ? AND seq <= ?`,
      )
      .pluck()
      .get(fromSeq, toSeq),
  );
}

/** Puts the sums of a range into `temp.sum_batch`, in place of what is there. */
export function fillWithPurged(db: Database, sums: string): void {
  db.exec('DELETE FROM temp.sum_batch');
  db.prepare<[string]>(
    `INSERT INTO temp.sum_batch
     SELECT ${GRAINS.month}, ${PURGED_COLUMNS} FROM json_each(?, '$.sums')`,
  ).run(sums);
}

const PURGED_COLUMNS = Array.from(
  { length: 3 + SUM_COLUMNS.length + 1 },
  (_, at) => `value ->> ${at}`,
).join(', ');

/** Times whose sums cannot be proved; `to` is exclusive. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** In whole units of `unitMs`, in order and apart. */
export function findUnprovable(
  db: Database,
  unitMs: typeof QUARTER_MS | typeof DAY_MS,
): TimeRange[] {
  const rows = db
    .prepare<[], [number | null, number | null]>(
      `SELECT sums ->> '$.first_ms', sums ->> '$.last_ms'
       FROM purged_ranges WHERE chain = 'requests' ORDER BY 1`,
    )
    .raw()
    .all();
  const ranges: { fromMs: number; toMs: number }[] = [];
  for (const [firstMs, lastMs] of rows) {
    if (firstMs === null || lastMs === null) continue;
    const fromMs = Math.floor(firstMs / unitMs) * unitMs;
    const toMs = (Math.floor(lastMs / unitMs) + 1) * unitMs;
    const before = ranges.at(-1);
    if (before !== undefined && before.toMs >= fromMs) before.toMs = Math.max(before.toMs, toMs);
    else ranges.push({ fromMs, toMs });
  }
  return ranges;
}
