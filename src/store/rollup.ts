import { assert } from '../core/assert.ts';
import { getMeta } from './meta.ts';
import type { Database, SqlValue } from './sqlite.ts';
import {
  addToHistogram,
  bucketOf,
  mergeHistogram,
  parseHistogram,
  renderHistogram,
  type TtftHistogram,
} from './ttft-histogram.ts';

// Reports read sums, never rows. Finished requests are added to the sums of their hour once, in
// the order of `seq`: how far that has come is kept in `meta` and moves in the same transaction as
// the sums, so a process killed anywhere in here neither counts a request twice nor forgets one.

/** The columns of a sum's key. A request belongs to the hour it started in. */
export const ROLLUP_KEY = 'hour, key, user, team, tenant, tags, model, backend, endpoint, outcome';

/** What ROLLUP_KEY is for a row of `requests`. */
export const REQUEST_KEY =
  'started_at_ms / 3600000, key, user, team, tenant, tags, model, backend, endpoint, outcome';

const KEY_COLUMNS = 10;

/** Rows read at once. */
const ROWS_PER_BATCH = 5_000;

/** Sums written at once: the write lock, which requests wait for, is held about a millisecond. */
const SUMS_PER_BATCH = 200;

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
  const readRows = db
    .prepare<[number, number], (number | null)[]>(
      `SELECT ${REQUEST_KEY}, seq, estimated, input_tokens, cached_input_tokens, output_tokens,
         reasoning_tokens, cost_nano_usd, ttft_us
       FROM requests WHERE seq > ? ORDER BY seq LIMIT ?`,
    )
    .raw();
  const readTtft = db
    .prepare<SqlValue[], string | null>(
      `SELECT ttft FROM usage_rollups WHERE (${ROLLUP_KEY}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .pluck();
  const addSums = db.prepare<SqlValue[]>(
    `INSERT INTO usage_rollups (${ROLLUP_KEY}, requests, unpriced, estimated, input_tokens,
       cached_input_tokens, output_tokens, reasoning_tokens, cost_nano_usd, ttft)
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
       ttft = excluded.ttft`,
  );
  const startMark = db.prepare("INSERT OR IGNORE INTO meta VALUES ('rolled_up_seq', 0)");
  const moveMark = db.prepare<[number, number]>(
    "UPDATE meta SET value = CAST(? AS INTEGER) WHERE name = 'rolled_up_seq' AND value = ?",
  );

  const write = db.transaction((rows: SqlValue[][], fromSeq: number, toSeq: number) => {
    startMark.run();
    assert(moveMark.run(toSeq, fromSeq).changes === 1, 'one connection rolls up at a time');
    for (const row of rows) addSums.run(...row);
  });

  function step(): boolean {
    const fromSeq = rolledUpSeq(db);
    const rows = readRows.all(fromSeq, ROWS_PER_BATCH);
    if (rows.length === 0) return false;
    const { sums, toSeq } = sumUp(rows);
    // Reading and merging is done before the lock is taken; nobody else changes these sums.
    const merged = sums.map((sum) => toColumns(sum, readTtft.get(...sum.key) ?? null));
    write.immediate(merged, fromSeq, toSeq);
    return true;
  }

  return {
    step,
    catchUp() {
      while (step());
    },
  };
}

interface Sum {
  readonly key: readonly number[];
  requests: number;
  unpriced: number;
  estimated: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanoUsd: bigint;
  readonly ttft: TtftHistogram;
}

/** Sums rows in order until there are enough sums for one transaction. */
function sumUp(rows: readonly (number | null)[][]): { sums: Sum[]; toSeq: number } {
  const sums = new Map<string, Sum>();
  let toSeq = 0;
  for (const row of rows) {
    const key = row.slice(0, KEY_COLUMNS).map(Number);
    const name = key.join();
    let sum = sums.get(name);
    if (sum === undefined) {
      if (sums.size >= SUMS_PER_BATCH) break;
      sum = emptySum(key);
      sums.set(name, sum);
    }
    toSeq = add(sum, row.slice(KEY_COLUMNS));
  }
  return { sums: [...sums.values()], toSeq };
}

function emptySum(key: readonly number[]): Sum {
  return {
    key,
    requests: 0,
    unpriced: 0,
    estimated: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    costNanoUsd: 0n,
    ttft: new Map(),
  };
}

/** Returns the `seq` of the row. */
function add(sum: Sum, measures: readonly (number | null)[]): number {
  const [seq, estimated, input, cachedInput, output, reasoning, cost, ttftUs] = measures;
  sum.requests += 1;
  sum.estimated += estimated ?? 0;
  sum.inputTokens += input ?? 0;
  sum.cachedInputTokens += cachedInput ?? 0;
  sum.outputTokens += output ?? 0;
  sum.reasoningTokens += reasoning ?? 0;
  if (cost === null || cost === undefined) sum.unpriced += 1;
  else sum.costNanoUsd += BigInt(cost);
  if (typeof ttftUs === 'number') addToHistogram(sum.ttft, bucketOf(ttftUs), 1);
  return seq ?? 0;
}

function toColumns(sum: Sum, storedTtft: string | null): SqlValue[] {
  mergeHistogram(sum.ttft, parseHistogram(storedTtft));
  return [
    ...sum.key,
    sum.requests,
    sum.unpriced,
    sum.estimated,
    sum.inputTokens,
    sum.cachedInputTokens,
    sum.outputTokens,
    sum.reasoningTokens,
    // A bigint is bound as an integer; a number as a float, whose sums go wrong past 2^53.
    sum.costNanoUsd,
    renderHistogram(sum.ttft),
  ];
}
