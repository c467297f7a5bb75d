// The one file that names the package: the build replaces this specifier by the entry that embeds
// the prebuilt engine of its target.
import Database from 'better-sqlite3';
import { StoreError } from './store-error.ts';

export type { Database, RunResult, Statement } from 'better-sqlite3';

/** What the store reads and binds. Buffers come back for blobs, bigints only when asked for. */
export type SqlValue = string | number | bigint | Uint8Array | null;

export interface OpenOptions {
  /** How long a statement waits for another connection's lock before it fails, milliseconds. */
  readonly busyTimeoutMs: number;
  readonly mustExist: boolean;
  /** Nothing can be written over this connection. */
  readonly readonly?: boolean;
}

/** Opens a file and nothing else: no pragma has run, and SQLite has not even read the header. */
export function openSqlite(path: string, options: OpenOptions): Database.Database {
  return new Database(path, {
    timeout: options.busyTimeoutMs,
    fileMustExist: options.mustExist,
    readonly: options.readonly === true,
  });
}

/** SQLite's extended result code (`SQLITE_CONSTRAINT_UNIQUE`), or undefined for other throws. */
export function sqliteCode(cause: unknown): string | undefined {
  return cause instanceof Database.SqliteError ? cause.code : undefined;
}

/** A second row in a unique index; a second primary key has a code of its own. */
export function isUniqueViolation(cause: unknown): boolean {
  return sqliteCode(cause) === 'SQLITE_CONSTRAINT_UNIQUE';
}

/**
 * True when the row itself is at fault (a constraint, a value that cannot be bound), so that other
 * rows would still be written; false when the store is.
 */
export function isBadRow(cause: unknown): boolean {
  const code = sqliteCode(cause);
  if (code === undefined) return true;
  return code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH';
}

/** Two connections that write or checkpoint at once can corrupt a WAL before this version. */
const OLDEST_SAFE_SQLITE = [3, 51, 3] as const;

/** Throws when the linked SQLite has the WAL-reset bug (https://sqlite.org/wal.html). */
export function checkSqliteVersion(version: string): void {
  const parts = version.split('.').map(Number);
  for (const [index, oldest] of OLDEST_SAFE_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part > oldest) return;
    if (!(part === oldest)) {
      throw new StoreError(
        `SQLite ${version} can corrupt its journal; llmgate needs ${OLDEST_SAFE_SQLITE.join('.')} or newer.`,
      );
    }
  }
}
