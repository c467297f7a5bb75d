import { APPLICATION_ID, SCHEMA_VERSION, schemaVersionOf } from './migrations.ts';
import { type Database, openSqlite, sqliteCode } from './sqlite.ts';
import { StoreError } from './store-error.ts';

/** Longer than the writer ever holds the lock. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens books for reading alone: those of a running gateway, or a copy. Throws StoreError for a
 * file that holds no chains of this version.
 */
export function openForVerification(path: string): Database {
  try {
    const db = openSqlite(path, {
      busyTimeoutMs: BUSY_TIMEOUT_MS,
      mustExist: true,
      readonly: true,
    });
    checkSchema(db, path);
    // Rows are read once; what is worth keeping are the dictionaries.
    db.pragma('cache_size = -8000');
    return db;
  } catch (cause) {
    throw cause instanceof StoreError ? cause : explain(path, cause);
  }
}

function checkSchema(db: Database, path: string): void {
  if (Number(db.pragma('application_id', { simple: true })) !== APPLICATION_ID) {
    throw new StoreError(`${path} is not a database of llmgate.`);
  }
  const version = schemaVersionOf(db);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(`${path} was written by a newer llmgate; verify it with that version.`);
  }
  if (version < SCHEMA_VERSION) {
    throw new StoreError(
      `${path} is from before this version: "llmgate ledger check" on its directory brings it up to date.`,
    );
  }
}

/** A log of writes belongs to the file, and to read it SQLite needs a file beside it of its own. */
function explain(path: string, cause: unknown): StoreError {
  const code = sqliteCode(cause) ?? '';
  if (code === 'SQLITE_NOTADB') {
    return new StoreError(`${path} is not a database of llmgate.`, { cause });
  }
  if (/^SQLITE_(?:CANTOPEN|READONLY)/.test(code)) {
    return new StoreError(
      `${path} cannot be opened where it is. Copy it, with the file ${path}-wal if there is one, to a folder that you may write to.`,
      { cause },
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(`${path} cannot be read: ${reason}.`, { cause });
}
