import type { Price } from '../core/price.ts';
import type { Usage } from '../core/usage.ts';
import { costOf } from '../pricing/cost.ts';
import { createProblems, type Problems } from './problems.ts';
import { rolledUpSeq } from './rollup.ts';
const [REQUEST_KEY, REQUEST_SUMS, ROLLUP_KEY, ROLLUP_SUMS] = ['', '', '', ''];
import { type Database, sqliteCode } from './sqlite.ts';
import type { HourlySpend, LedgerCheck } from './store.ts';

const HOUR_MS = 3_600_000;

interface CheckedRow {
  readonly id: string;
  readonly key: string | null;
  readonly outcome: string | null;
  readonly usage_source: string | null;
  readonly started_at_ms: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly estimated: number;
  readonly cost_nano_usd: number | null;
  readonly price_id: number;
  readonly price_input: number | null;
  readonly price_cached_input: number;
  readonly price_output: number;
  readonly price_reasoning: number;
}

const SELECT_ROWS = `SELECT lower(hex(r.id)) AS id, k.name AS key, o.name AS outcome,
    us.name AS usage_source, r.started_at_ms, r.input_tokens, r.cached_input_tokens, r.output_tokens, r.reasoning_tokens,
    r.estimated, r.cost_nano_usd, r.price AS price_id, p.input AS price_input,
    p.cached_input AS price_cached_input, p.output AS price_output, p.reasoning AS price_reasoning
  FROM requests r
  LEFT JOIN names k ON k.id = r.key
  LEFT JOIN names o ON o.id = r.outcome
  LEFT JOIN names us ON us.id = r.usage_source
  LEFT JOIN prices p ON p.id = r.price
  ORDER BY r.seq`;

// A sum's key and what it should be, from the rows that it was made of.
const SUMS_OF_ROWS = `SELECT ${REQUEST_KEY}, ${REQUEST_SUMS}, count(ttft_us)
  FROM requests WHERE seq <= :seq GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10`;

const STORED_SUMS = `SELECT ${ROLLUP_KEY}, ${ROLLUP_SUMS},
    coalesce((SELECT sum(value) FROM json_each(ttft)), 0)
  FROM usage_rollups`;

const KEY_COLUMNS = 10;

/**
 * Recomputes the books from the rows of one moment and says everywhere that they disagree. Reads
 * every row, so it belongs on the books worker's thread; requests go on meanwhile.
 */
export function checkLedger(db: Database): LedgerCheck {
  const problems = createProblems();
  const pages = db.pragma('integrity_check(20)') as { integrity_check: string }[];
  for (const { integrity_check: found } of pages) {
    if (found !== 'ok') problems.add(`The database is damaged: ${found.split('\n').at(-1)}.`);
  }
  // One read transaction, so that all parts see the same moment.
  db.exec('BEGIN');
  try {
    const totals = checkRows(db, problems);
    const open = checkOpenRows(db, problems);
    checkAttempts(db, problems);
    checkSums(db, problems);
    return { ...totals, open, problems: problems.list() };
  } catch (cause) {
    if (!sqliteCode(cause)?.startsWith('SQLITE_CORRUPT')) throw cause;
    problems.add('The database is damaged; its rows cannot be read.');
    const none = { requests: 0, open: 0, estimated: 0, costNanoUsd: 0n, spend: [] };
    return { ...none, problems: problems.list() };
  } finally {
    db.exec('ROLLBACK');
  }
}

function checkRows(db: Database, problems: Problems): Omit<LedgerCheck, 'open' | 'problems'> {
  const spend = new Map<string, HourlySpend & { costNanoUsd: bigint }>();
  let requests = 0;
  let estimated = 0;
  let costNanoUsd = 0n;
  for (const row of db.prepare<[], CheckedRow>(SELECT_ROWS).iterate()) {
    checkRow(row, problems);
    requests += 1;
    estimated += row.estimated;
    const cost = BigInt(row.cost_nano_usd ?? 0);
    costNanoUsd += cost;
    const keyId = row.key ?? '';
    const hour = Math.floor(row.started_at_ms / HOUR_MS);
    const known = spend.get(`${hour} ${keyId}`);
    if (known !== undefined) known.costNanoUsd += cost;
    else spend.set(`${hour} ${keyId}`, { keyId, hourStartMs: hour * HOUR_MS, costNanoUsd: cost });
  }
  return { requests, estimated, costNanoUsd, spend: [...spend.values()] };
}

function checkRow(row: CheckedRow, problems: Problems): void {
  const usage: Usage = {
    inputTokens: row.input_tokens,
    cachedInputTokens: row.cached_input_tokens,
    outputTokens: row.output_tokens,
    reasoningTokens: row.reasoning_tokens,
  };
  const say = (what: string) => problems.add(`Request ${toUuid(row.id)} ${what}.`);
  if (row.key === null) say('has no key');
  if (row.outcome === null) say('has no outcome');
  if (usage.cachedInputTokens > usage.inputTokens) say('has more cached input than input');
  if (usage.reasoningTokens > usage.outputTokens) say('has more reasoning than output');
  if (Object.values(usage).some((tokens) => tokens < 0)) say('has a negative number of tokens');
  if (row.price_id !== 0 && row.price_input === null) return say('has a price that is not stored');
  if (row.outcome === 'refused' || row.usage_source === 'none') {
    const free = row.outcome === 'refused' ? 'was refused' : 'asked no backend';
    if (Object.values(usage).some((tokens) => tokens > 0)) say(`${free} and yet used tokens`);
    if (row.cost_nano_usd ?? 0) say(`${free} and yet cost ${row.cost_nano_usd} nano-dollars`);
    return;
  }
  const due = dueOf(usage, row);
  if (due !== row.cost_nano_usd) {
    say(`cost ${inWords(row.cost_nano_usd)}, by its price and usage it is ${inWords(due)}`);
  }
}

function dueOf(usage: Usage, row: CheckedRow): number | null {
  if (row.price_input === null) return null;
  const price: Price = {
    input: row.price_input,
    cachedInput: row.price_cached_input,
    output: row.price_output,
    reasoning: row.price_reasoning,
  };
  return costOf(usage, price);
}

function inWords(costNanoUsd: number | null): string {
  return costNanoUsd === null ? 'unknown' : `${costNanoUsd} nano-dollars`;
}

/** Returns how many requests are open. */
function checkOpenRows(db: Database, problems: Problems): number {
  const both = db
    .prepare<[], string>('SELECT lower(hex(id)) FROM open_requests JOIN requests USING (id)')
    .pluck();
  for (const id of both.iterate()) {
    problems.add(`Request ${toUuid(id)} is open and finished at once.`);
  }
  return Number(db.prepare('SELECT count(*) FROM open_requests').pluck().get());
}

function checkAttempts(db: Database, problems: Problems): void {
  const orphans = db
    .prepare<[], number>(
      `SELECT DISTINCT request_seq FROM attempts
       WHERE NOT EXISTS (SELECT 1 FROM requests WHERE seq = request_seq)`,
    )
    .pluck();
  for (const seq of orphans.iterate()) {
    problems.add(`An attempt belongs to request number ${seq}, which does not exist.`);
  }
}

function checkSums(db: Database, problems: Problems): void {
  const seq = rolledUpSeq(db);
  const reported = new Set<string>();
  const report = (columns: bigint[], what: string) => {
    const key = columns.slice(0, KEY_COLUMNS);
    const name = key.join();
    if (reported.has(name)) return;
    reported.add(name);
    problems.add(`The sums of ${describeSum(db, key)} ${what}.`);
  };
  const selectWrong = db
    .prepare<{ seq: number }, bigint[]>(`${SUMS_OF_ROWS} EXCEPT ${STORED_SUMS} LIMIT 1000`)
    .raw()
    .safeIntegers();
  for (const columns of selectWrong.all({ seq })) report(columns, 'differ from their requests');
  const selectForeign = db
    .prepare<{ seq: number }, bigint[]>(`${STORED_SUMS} EXCEPT ${SUMS_OF_ROWS} LIMIT 1000`)
    .raw()
    .safeIntegers();
  for (const columns of selectForeign.all({ seq })) report(columns, 'belong to no request');
}

/** `2026-11-20T10:00:00Z, K0000, ada, gpu0, …`: enough to find the rows. */
function describeSum(db: Database, key: readonly bigint[]): string {
  const [hour = 0n, ...words] = key;
  const name = db.prepare<[bigint], string>('SELECT name FROM names WHERE id = ?').pluck();
  const TAGS = 4;
  const texts = words.map((id, index) =>
    index === TAGS || id === 0n ? '-' : (name.get(id) ?? id),
  );
  return [new Date(Number(hour) * HOUR_MS).toISOString(), ...texts].join(', ');
}

function toUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
