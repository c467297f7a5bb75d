import { nextHash } from '../audit/chain.ts';
import {
  type HashedAttempt,
  type HashedRequest,
  toAttemptsText,
  toRequestText,
} from '../audit/request-text.ts';
import { assert } from '../core/assert.ts';
import type { Usage } from '../core/usage.ts';
import type { ChainHead } from './audit-trail.ts';
import { WRITER_BUSY_TIMEOUT_MS } from './open-database.ts';
import { readRequestsHead } from './requests-head.ts';
import { openRowWords, type RowWords } from './row-words.ts';
import type { AttemptRow, FinishedRow, OpenRow } from './rows.ts';
import {
  type Database,
  type RunResult,
  type SqlValue,
  type Statement,
  sqliteCode,
} from './sqlite.ts';
import { toUsageText } from './usage-columns.ts';

/**
 * The statements of the request journal, prepared once. They run inside a transaction that the
 * caller begins and ends; each throws what SQLite throws.
 */
export interface LedgerWriter {
  begin(): void;
  /** False, at once, when another connection writes. */
  tryBegin(): boolean;
  commit(): void;
  /** Safe when the failure has already ended the transaction. */
  rollback(): void;
  open(row: OpenRow): void;
  /** Appends the row to the chain. A second settlement of an id changes nothing. */
  settle(row: FinishedRow, attempts: readonly AttemptRow[]): void;
  progress(id: string, usage: Usage): void;
}

// Text ids are decoded by SQLite: cheaper than making a Buffer for every statement.
const ID = "unhex(?, '-')";

const INSERT_OPEN = `INSERT INTO open_requests (id, dimension, streamed, started_at_ms,
  input_tokens_estimate, hold_nano_usd, price) VALUES (${ID}, ?, ?, ?, ?, ?, ?)`;

const INSERT_REQUEST = `INSERT INTO requests (seq, id, dimension, ending, started_at_ms,
  duration_ms, ttft_us, backend_us, input_tokens, cached_input_tokens, output_tokens,
  reasoning_tokens, price, cost_nano_usd, attempts, hash, cache_write_tokens, audio_input_tokens,
  image_input_tokens, audio_output_tokens, image_output_tokens, gpu_us, content_ref)
  VALUES (?, unhex(?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, unhex(?)`;

const UNLESS_KNOWN = 'ON CONFLICT (id) DO NOTHING';
const INSERT_ANY = `${INSERT_REQUEST}, ?, ?, ?, ?, ?, ?, ?) ${UNLESS_KNOWN}`;
// To bind a value costs as much as to store it, and most requests have nothing in seven columns.
const INSERT_PLAIN = `${INSERT_REQUEST}, 0, 0, 0, 0, 0, 0, NULL) ${UNLESS_KNOWN}`;

// Whatever somebody planted under this number before, the request is not lost for it.
const INSERT_ATTEMPT = `INSERT OR REPLACE INTO attempts (request_seq, attempt, backend, started_at_ms,
  duration_us, code, status) VALUES (?, ?, ?, ?, ?, ?, ?)`;

export function openLedgerWriter(db: Database): LedgerWriter {
  const words = openRowWords(db);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insertOpen = db.prepare<SqlValue[]>(INSERT_OPEN);
  const inserts: RequestInserts = {
    any: db.prepare<SqlValue[]>(INSERT_ANY),
    plain: db.prepare<SqlValue[]>(INSERT_PLAIN),
  };
  const insertAttempt = db.prepare<SqlValue[]>(INSERT_ATTEMPT);
  const deleteOpen = db.prepare<[string]>(`DELETE FROM open_requests WHERE id = ${ID}`);
  const updateProgress = db.prepare<[string, string]>(
    `UPDATE open_requests SET usage = ? WHERE id = ${ID}`,
  );
  // Only this writer appends, so the chain is read once; unknown again after a lost transaction.
  let head: ChainHead | undefined;

  function hasBegun(): void {
    head ??= readRequestsHead(db);
  }

  return {
    begin() {
      begin.run();
      hasBegun();
    },
    tryBegin() {
      // Of all that this connection writes only the ledger has somewhere to wait.
      db.exec('PRAGMA busy_timeout = 0');
      try {
        begin.run();
      } catch (cause) {
        if (sqliteCode(cause)?.startsWith('SQLITE_BUSY')) return false;
        throw cause;
      } finally {
        db.exec(`PRAGMA busy_timeout = ${WRITER_BUSY_TIMEOUT_MS}`);
      }
      hasBegun();
      return true;
    },
    commit: () => void commit.run(),
    rollback() {
      words.forget();
      head = undefined;
      if (db.inTransaction) db.exec('ROLLBACK');
    },
    open: (row) => writeOpen(insertOpen, words, row),
    settle(row, attempts) {
      assert(head !== undefined, 'rows are settled in a transaction');
      const hashed = attempts.length === 0 ? NO_ATTEMPTS : attempts.map(toHashedAttempt);
      const next = writeFinished(inserts, words, { row, head, attempts: hashed });
      if (next !== head) {
        for (const attempt of hashed) writeAttempt(insertAttempt, words, next.seq, attempt);
      }
      head = next;
      deleteOpen.run(row.id);
    },
    progress: (id, usage) => void updateProgress.run(toUsageText(usage), id),
  };
}

// Values are passed one by one: an array to spread would cost as much as a column or two.

function writeOpen(insert: Statement<SqlValue[]>, words: RowWords, row: OpenRow): void {
  insert.run(
    row.id,
    words.dimension(row, row.backend).id,
    row.streamed ? 1 : 0,
    row.startedAtMs,
    row.inputTokensEstimate,
    row.holdNanoUsd,
    words.price(row.price).id,
  );
}

interface RequestInserts {
  readonly any: Statement<SqlValue[]>;
  /** For rows that `isPlain`. */
  readonly plain: Statement<SqlValue[]>;
}

interface Ending {
  readonly row: FinishedRow;
  /** What the row is chained to. */
  readonly head: ChainHead;
  readonly attempts: readonly HashedAttempt[];
}

/** The new head of the chain; the old one when the id was settled before. */
function writeFinished(
  inserts: RequestInserts,
  words: RowWords,
  { row, head, attempts }: Ending,
): ChainHead {
  const { usage, contentRef } = row;
  const dimension = words.dimension(row, row.backend);
  const ending = words.ending(row);
  const price = words.price(row.price);
  const values = {
    seq: head.seq + 1,
    idHex: toHex(row.id),
    dimensionWords: dimension.text,
    endingWords: ending.text,
    startedAtMs: row.startedAtMs,
    // The wall clock may have been set back while the request ran.
    durationMs: Math.max(0, row.finishedAtMs - row.startedAtMs),
    ttftUs: toMicroseconds(row.ttftMs),
    backendUs: toMicroseconds(row.backendMs),
    usage,
    gpuUs: row.gpuUs,
    price: price.text,
    costNanoUsd: row.costNanoUsd,
    attempts: row.attempts,
    contentRefHex: contentRef === null ? '' : Buffer.from(contentRef).toString('hex'),
    attemptsText: toAttemptsText(attempts),
  };
  const hash = nextHash(head.hash, toRequestText(values));
  const numbers = { dimension: dimension.id, ending: ending.id, price: price.id };
  const { changes } = isPlain(row)
    ? insertPlain(inserts.plain, values, numbers, hash)
    : insertAny(inserts.any, values, numbers, { hash, contentRef });
  return changes === 1 ? { seq: values.seq, hash } : head;
}

interface Numbers {
  readonly dimension: number;
  readonly ending: number;
  readonly price: number;
}

function isPlain({ usage, gpuUs, contentRef }: FinishedRow): boolean {
  return (
    contentRef === null &&
    gpuUs === 0 &&
    usage.cacheWriteTokens === 0 &&
    usage.audioInputTokens === 0 &&
    usage.imageInputTokens === 0 &&
    usage.audioOutputTokens === 0 &&
    usage.imageOutputTokens === 0
  );
}

function insertPlain(
  insert: Statement<SqlValue[]>,
  values: HashedRequest,
  numbers: Numbers,
  hash: string,
): RunResult {
  return insert.run(
    values.seq,
    values.idHex,
    numbers.dimension,
    numbers.ending,
    values.startedAtMs,
    values.durationMs,
    values.ttftUs,
    values.backendUs,
    values.usage.inputTokens,
    values.usage.cachedInputTokens,
    values.usage.outputTokens,
    values.usage.reasoningTokens,
    numbers.price,
    values.costNanoUsd,
    values.attempts,
    hash,
  );
}

function insertAny(
  insert: Statement<SqlValue[]>,
  values: HashedRequest,
  numbers: Numbers,
  { hash, contentRef }: { readonly hash: string; readonly contentRef: Uint8Array | null },
): RunResult {
  return insert.run(
    values.seq,
    values.idHex,
    numbers.dimension,
    numbers.ending,
    values.startedAtMs,
    values.durationMs,
    values.ttftUs,
    values.backendUs,
    values.usage.inputTokens,
    values.usage.cachedInputTokens,
    values.usage.outputTokens,
    values.usage.reasoningTokens,
    numbers.price,
    values.costNanoUsd,
    values.attempts,
    hash,
    values.usage.cacheWriteTokens,
    values.usage.audioInputTokens,
    values.usage.imageInputTokens,
    values.usage.audioOutputTokens,
    values.usage.imageOutputTokens,
    values.gpuUs,
    contentRef,
  );
}

/** Most requests had one attempt, which is told by their own row. */
const NO_ATTEMPTS: readonly HashedAttempt[] = [];

function toHashedAttempt(row: AttemptRow): HashedAttempt {
  return {
    attempt: row.attempt,
    backend: row.backend,
    startedAtMs: row.startedAtMs,
    durationUs: toMicroseconds(row.durationMs),
    code: row.code,
    status: row.status,
  };
}

function writeAttempt(
  insert: Statement<SqlValue[]>,
  words: RowWords,
  requestSeq: number,
  row: HashedAttempt,
): void {
  insert.run(
    requestSeq,
    row.attempt,
    words.nameId(row.backend),
    row.startedAtMs,
    row.durationUs,
    words.nameId(row.code),
    row.status,
  );
}

/** A UUID in lower case, with or without dashes. Slices are a quarter of what a search costs. */
function toHex(id: string): string {
  if (id.length !== 36) return id;
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24);
}

function toMicroseconds(durationMs: number): number;
function toMicroseconds(durationMs: number | null): number | null;
function toMicroseconds(durationMs: number | null): number | null {
  return durationMs === null ? null : Math.max(0, Math.round(durationMs * 1_000));
}
