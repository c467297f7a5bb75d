import type { Database } from '../sqlite.ts';

const MONTH = `CAST(strftime('%Y', started_at_ms / 1000, 'unixepoch') AS INTEGER) * 12
  + CAST(strftime('%m', started_at_ms / 1000, 'unixepoch') AS INTEGER) - 1`;

/** What `start` is for a request, by grain. */
const STARTS = ['started_at_ms / 900000', 'started_at_ms / 86400000', MONTH];

/**
 * The sums of quarters, days and months, of the same requests that the sums of hours were of: from
 * the rows, because an hour does not tell its quarters.
 */
export function sumRequests(db: Database): void {
  db.aggregate<Map<number, number>>('moving_ttft', {
    start: () => new Map(),
    step(counts, ttftUs: unknown) {
      if (typeof ttftUs !== 'number') return;
      const bucket = Math.floor(Math.log2(Math.max(1, ttftUs)) * 8);
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    },
    result: (counts) => (counts.size === 0 ? null : JSON.stringify(Object.fromEntries(counts))),
  });
  for (const [grain, start] of STARTS.entries()) {
    db.prepare(
      `INSERT INTO usage_sums
       SELECT ${grain}, ${start}, r.dimension, x.outcome, count(*), sum(r.cost_nano_usd IS NULL),
         sum(x.estimated), sum(r.input_tokens), sum(r.cached_input_tokens), 0, 0, 0,
         sum(r.output_tokens), sum(r.reasoning_tokens), 0, 0, 0,
         coalesce(sum(r.cost_nano_usd), 0),
         coalesce(sum(iif(x.estimated, r.cost_nano_usd, 0)), 0), moving_ttft(r.ttft_us)
       FROM requests r JOIN endings x ON x.id = r.ending
       WHERE r.seq <= coalesce((SELECT value FROM meta WHERE name = 'rolled_up_seq'), 0)
       GROUP BY 2, 3, 4`,
    ).run();
  }
}
