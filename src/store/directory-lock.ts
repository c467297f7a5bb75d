import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { statRegularFile } from './regular-file.ts';
import { openSqlite, sqliteCode } from './sqlite.ts';
import { StoreError, StoreInUseError } from './store-error.ts';

// One process owns a data directory. The lock is the operating system's own, taken by SQLite on a
// file that holds nothing, so it dies with the process however that ends: no stale lock to remove.
// The holder's pid lies in SQLite's header, where the refused process can read it.

export interface DirectoryLock {
  close(): void;
}

// POSIX drops a process's locks on a file when *any* of its descriptors for that file is closed.
// A second open in this process must therefore be refused before it touches the file.
const heldHere = new Set<string>();

/** Where SQLite's header keeps `user_version`: four bytes, big-endian. */
const PID_OFFSET = 60;

/** Takes the lock of a data directory or throws a StoreError naming the process that has it. */
export function openDirectoryLock(dataDir: string): DirectoryLock {
  const path = join(realpathSync(dataDir), 'lock');
  if (heldHere.has(path)) throw inUse(dataDir, process.pid);
  statRegularFile(path);
  closeSync(openSync(path, 'a', 0o600));
  const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: true });
  try {
    // The lock outlives each transaction in this mode; a journal in memory leaves no second file.
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = MEMORY');
    db.pragma('synchronous = OFF');
    db.exec(`BEGIN EXCLUSIVE; PRAGMA user_version = ${process.pid}; COMMIT`);
  } catch (cause) {
    db.close();
    const code = sqliteCode(cause);
    if (code?.startsWith('SQLITE_BUSY')) throw inUse(dataDir, pidOfHolder(path));
    if (code === 'SQLITE_NOTADB' || code?.startsWith('SQLITE_CORRUPT')) {
      throw new StoreError(`${path} is damaged; remove it if no llmgate runs on this directory.`);
    }
    throw cause;
  }
  heldHere.add(path);
  return {
    close() {
      if (heldHere.delete(path)) db.close();
    },
  };
}

function inUse(dataDir: string, pid: number | undefined): StoreInUseError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new StoreInUseError(
    `data directory ${dataDir} is in use by ${who}; stop it, or use another data_dir.`,
  );
}

function pidOfHolder(path: string): number | undefined {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(4);
    if (readSync(file, bytes, 0, 4, PID_OFFSET) < 4) return undefined;
    return bytes.readUInt32BE() || undefined;
  } finally {
    closeSync(file);
  }
}
