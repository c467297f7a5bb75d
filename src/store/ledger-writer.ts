import type { Usage } from '../core/usage.ts';
import { type Names, openNames } from './names.ts';
import type { AttemptRow, FinishedRow, OpenRow } from './rows.ts';
import type { Database, RunResult, SqlValue, Statement } from './sqlite.ts';

/**
 * The statements of the request journal, prepared once. They run inside a transaction that the
 * caller begins and ends; each throws what SQLite throws.
 */
export interface LedgerWriter {
  begin(): void;
  commit(): void;
  /** Safe when the failure has already ended the transaction. */
  rollback(): void;
  open(row: OpenRow): void;
  /** A second settlement of an id changes nothing. */
  settle(row: FinishedRow, attempts: readonly AttemptRow[]): void;
  progress(id: string, usage: Usage): void;
}

// Text ids are decoded by SQLite: cheaper than making a Buffer for every statement.
const ID = "unhex(?, '-')";

const INSERT_OPEN = `INSERT INTO open_requests (id, key, user, team, tenant, tags, model, backend,
  endpoint, streamed, started_at_ms, input_tokens_estimate, hold_nano_usd, price)
  VALUES (${ID}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const INSERT_REQUEST = `INSERT INTO requests (id, key, user, team, tenant, tags, model, backend,
  endpoint, streamed, outcome, code, status, started_at_ms, duration_ms, ttft_us, backend_us,
  input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, usage_source, estimated,
  price, cost_nano_usd, attempts)
  VALUES (${ID}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;

const INSERT_ATTEMPT = `INSERT INTO attempts (request_seq, attempt, backend, started_at_ms,
  duration_us, code, status) VALUES (?, ?, ?, ?, ?, ?, ?)`;

const UPDATE_PROGRESS = `UPDATE open_requests SET input_tokens = ?, cached_input_tokens = ?,
  output_tokens = ?, reasoning_tokens = ? WHERE id = ${ID}`;

export function openLedgerWriter(db: Database): LedgerWriter {
  const names = openNames(db);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const insertOpen = db.prepare<SqlValue[]>(INSERT_OPEN);
  const insertRequest = db.prepare<SqlValue[]>(INSERT_REQUEST);
  const insertAttempt = db.prepare<SqlValue[]>(INSERT_ATTEMPT);
  const deleteOpen = db.prepare<[string]>(`DELETE FROM open_requests WHERE id = ${ID}`);
  const updateProgress = db.prepare<SqlValue[]>(UPDATE_PROGRESS);

  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    rollback() {
      names.forget();
      if (db.inTransaction) db.exec('ROLLBACK');
    },
    open: (row) => writeOpen(insertOpen, names, row),
    settle(row, attempts) {
      const { changes, lastInsertRowid } = writeFinished(insertRequest, names, row);
      if (changes === 1) {
        for (const attempt of attempts) {
          writeAttempt(insertAttempt, names, Number(lastInsertRowid), attempt);
        }
      }
      deleteOpen.run(row.id);
    },
    progress(id, usage) {
      const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = usage;
      updateProgress.run(inputTokens, cachedInputTokens, outputTokens, reasoningTokens, id);
    },
  };
}

// Values are passed one by one: an array to spread would cost as much as a column or two.

function writeOpen(insert: Statement<SqlValue[]>, names: Names, row: OpenRow): void {
  insert.run(
    row.id,
    names.id(row.keyId),
    names.id(row.user),
    names.id(row.team),
    names.id(row.tenant),
    names.tagSetId(row.tags),
    names.id(row.model),
    names.id(row.backend),
    names.id(row.endpoint),
    row.streamed ? 1 : 0,
    row.startedAtMs,
    row.inputTokensEstimate,
    row.holdNanoUsd,
    names.priceId(row.price),
  );
}

function writeFinished(insert: Statement<SqlValue[]>, names: Names, row: FinishedRow): RunResult {
  const { usage } = row;
  return insert.run(
    row.id,
    names.id(row.keyId),
    names.id(row.user),
    names.id(row.team),
    names.id(row.tenant),
    names.tagSetId(row.tags),
    names.id(row.model),
    names.id(row.backend),
    names.id(row.endpoint),
    row.streamed ? 1 : 0,
    names.id(row.outcome),
    names.id(row.code),
    row.status,
    row.startedAtMs,
    // The wall clock may have been set back while the request ran.
    Math.max(0, row.finishedAtMs - row.startedAtMs),
    toMicroseconds(row.ttftMs),
    toMicroseconds(row.backendMs),
    usage.inputTokens,
    usage.cachedInputTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    names.id(row.usageSource),
    row.estimated ? 1 : 0,
    names.priceId(row.price),
    row.costNanoUsd,
    row.attempts,
  );
}

function writeAttempt(
  insert: Statement<SqlValue[]>,
  names: Names,
  requestSeq: number,
  row: AttemptRow,
): void {
  insert.run(
    requestSeq,
    row.attempt,
    names.id(row.backend),
    row.startedAtMs,
    toMicroseconds(row.durationMs),
    names.id(row.code),
    row.status,
  );
}

function toMicroseconds(durationMs: number): number;
function toMicroseconds(durationMs: number | null): number | null;
function toMicroseconds(durationMs: number | null): number | null {
  return durationMs === null ? null : Math.max(0, Math.round(durationMs * 1_000));
}
