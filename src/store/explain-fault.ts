import { sqliteCode } from './sqlite.ts';
import { StoreError } from './store-error.ts';

/** The remedy for a database that must not be used as it is. */
export function refused(path: string, what: string): StoreError {
  return new StoreError(
    `${path} ${what}; put the database back from a backup, or use another data_dir.`,
  );
}

/**
 * A failing call of SQLite or of the system on a path of the data directory, as one plain sentence
 * for the operator. Anything else is a bug and comes back as it is.
 */
export function explainFault(cause: unknown, path: string): unknown {
  if (cause instanceof StoreError) return cause;
  const code = sqliteCode(cause) ?? systemCode(cause);
  if (code === undefined) return cause;
  if (code === 'SQLITE_NOTADB') return refused(path, 'is not an SQLite database');
  if (code.startsWith('SQLITE_CORRUPT')) return refused(path, 'is damaged');
  return new StoreError(`${path} cannot be used (${code}); ${remedyOf(code)}.`, { cause });
}

function remedyOf(code: string): string {
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return 'the disk is full, make room';
  const denied = ['SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM', 'EACCES', 'EPERM', 'EROFS'];
  if (denied.some((word) => code.startsWith(word))) {
    return 'give this user write permission on the directory and its files';
  }
  return 'check the disk and the path, or use another data_dir';
}

/** `EACCES` and the like. */
function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause) || !('syscall' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}
