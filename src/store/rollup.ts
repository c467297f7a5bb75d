import { assert } from '../core/assert.ts';
import { getMeta } from './meta.ts';
import type { Database, SqlValue } from './sqlite.ts';
import { addToHistogram, bucketOf, parseHistogram, renderHistogram } from './ttft-histogram.ts';

// Reports read sums, never rows. Finished requests are added to the sums of their hour once, in
// the order of `seq`: how far that has come is kept in `meta` and moves in the same transaction as
// the sums, so a process killed anywhere in here neither counts a request twice nor forgets one.

/** The columns of a sum's key. A request belongs to the hour it started in. */
export const ROLLUP_KEY = 'hour, key, user, team, tenant, tags, model, backend, endpoint, outcome';

/** What ROLLUP_KEY is for a row of `requests`. */
export const REQUEST_KEY =
  'started_at_ms / 3600000, key, user, team, tenant, tags, model, backend, endpoint, outcome';

export const ROLLUP_SUMS = `requests, unpriced, estimated, input_tokens, cached_input_tokens,
  output_tokens, reasoning_tokens, cost_nano_usd`;

/** What ROLLUP_SUMS are for the rows of `requests` with one key. */
export const REQUEST_SUMS = `count(*), sum(cost_nano_usd IS NULL), sum(estimated),
  sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens),
  coalesce(sum(cost_nano_usd), 0)`;

const KEY_COLUMNS = 10;

/** Rows summed at once, when they fall into few sums. */
const MAX_ROWS_PER_BATCH = 5_000;

/** Sums written at once, so that the write lock, which requests wait for, is held shortly. */
const MAX_SUMS_PER_BATCH = 200;

const ADD_SUMS = `INSERT INTO usage_rollups (${ROLLUP_KEY}, ${ROLLUP_SUMS}, ttft)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests,
    unpriced = unpriced + excluded.unpriced,
    estimated = estimated + excluded.estimated,
    input_tokens = input_tokens + excluded.input_tokens,
    cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
    cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
    ttft = excluded.ttft`;

/** A key, its sums and last the times to first token. Bigints: a sum may pass 2^53. */
type SumColumns = (bigint | string | null)[];

export interface Rollup {
  /** Adds one batch of finished requests to the sums. True when there may be more. */
  step(): boolean;
  /** Adds every finished request. */
  catchUp(): void;
}

/** Up to which `seq` requests are in the sums. */
export function rolledUpSeq(db: Database): number {
  return Number(getMeta(db, 'rolled_up_seq') ?? 0);
}

/** Only one connection may roll up: the books worker's, or a command's that has the lock. */
export function openRollup(db: Database): Rollup {
  const readSums = db
    .prepare<[number, number], SumColumns>(
      `SELECT ${REQUEST_KEY}, ${REQUEST_SUMS}, group_concat(ttft_us)
       FROM requests WHERE seq > ? AND seq <= ? GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10`,
    )
    .raw()
    .safeIntegers();
  const readLastSeq = db.prepare<[], number | null>('SELECT max(seq) FROM requests').pluck();
  const readTtft = db
    .prepare<SqlValue[], string | null>(
      `SELECT ttft FROM usage_rollups WHERE (${ROLLUP_KEY}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .pluck();
  const addSums = db.prepare<SqlValue[]>(ADD_SUMS);
  const startMark = db.prepare("INSERT OR IGNORE INTO meta VALUES ('rolled_up_seq', 0)");
  const moveMark = db.prepare<[number, number]>(
    "UPDATE meta SET value = CAST(? AS INTEGER) WHERE name = 'rolled_up_seq' AND value = ?",
  );
  let rowsPerBatch = MAX_ROWS_PER_BATCH;

  const write = db.transaction((sums: SumColumns[], fromSeq: number, toSeq: number) => {
    startMark.run();
    assert(moveMark.run(toSeq, fromSeq).changes === 1, 'one connection rolls up at a time');
    for (const sum of sums) addSums.run(...sum);
  });

  function withStoredTtft(sum: SumColumns): SumColumns {
    const key = sum.slice(0, KEY_COLUMNS);
    const samples = sum.at(-1);
    const stored = readTtft.get(...key) ?? null;
    return [...sum.slice(0, -1), addSamples(stored, typeof samples === 'string' ? samples : '')];
  }

  function step(): boolean {
    const fromSeq = rolledUpSeq(db);
    const toSeq = Math.min(readLastSeq.get() ?? 0, fromSeq + rowsPerBatch);
    if (toSeq <= fromSeq) return false;
    const sums = readSums.all(fromSeq, toSeq);
    if (sums.length > MAX_SUMS_PER_BATCH) {
      // Many keys: as few rows as make about enough sums, and never more sums than rows.
      const share = MAX_SUMS_PER_BATCH / sums.length;
      rowsPerBatch = Math.max(MAX_SUMS_PER_BATCH, Math.floor((toSeq - fromSeq) * share));
      return true;
    }
    if (sums.length * 2 <= MAX_SUMS_PER_BATCH) rowsPerBatch = MAX_ROWS_PER_BATCH;
    // Reading and merging is done before the lock is taken; nobody else changes these sums.
    write.immediate(sums.map(withStoredTtft), fromSeq, toSeq);
    return true;
  }

  return {
    step,
    catchUp() {
      while (step());
    },
  };
}

/** A stored histogram with times in microseconds (`900,1200`) added. */
function addSamples(stored: string | null, samplesUs: string): string | null {
  if (samplesUs === '') return stored;
  const histogram = parseHistogram(stored);
  for (const sampleUs of samplesUs.split(','))
    addToHistogram(histogram, bucketOf(Number(sampleUs)), 1);
  return renderHistogram(histogram);
}
