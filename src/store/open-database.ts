import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { explainFault, refused } from './explain-fault.ts';
import { readInstallId, writeInstallId } from './install-id.ts';
import { getMeta, setMeta } from './meta.ts';
import { migrateSafely } from './migrate-safely.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, schemaVersionOf } from './migrations.ts';
import { statRegularFile } from './regular-file.ts';
import { checkSqliteVersion, type Database, openSqlite } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import { ignoreStoreEvents, type StoreLog } from './store-event.ts';

export type Durability = 'process' | 'full';

/** Databases up to this size are read through at every start; larger ones by `ledger check`. */
const QUICK_CHECK_MAX_BYTES = 8 * 1024 * 1024;

/** Above what the books worker ever holds the write lock for; a wait stops the event loop. */
export const WRITER_BUSY_TIMEOUT_MS = 1_000;

export function databasePath(dataDir: string): string {
  return join(dataDir, 'llmgate.db');
}

/**
 * Opens the database of a data directory whose lock the caller holds, on the connection that
 * writes requests and keys. A file that is not the database this directory was installed with is
 * refused with a StoreError; a new one is made only in a directory without an install id. One of an
 * older schema is copied and brought to this one.
 */
export function openDatabase(
  dataDir: string,
  durability: Durability,
  log: StoreLog = ignoreStoreEvents,
): Database {
  const path = databasePath(dataDir);
  const installId = readInstallId(dataDir);
  const sizeBytes = statRegularFile(path)?.size;
  if (installId !== undefined && (sizeBytes === undefined || sizeBytes === 0)) {
    const what = sizeBytes === undefined ? 'is missing' : 'is empty';
    throw refused(path, `${what}, but this directory has been in use`);
  }
  // SQLite would create it readable for everybody; its -wal and -shm files copy this mode.
  if (sizeBytes === undefined) closeSync(openSync(path, 'a', 0o600));
  const db = openSqlite(path, { busyTimeoutMs: WRITER_BUSY_TIMEOUT_MS, mustExist: true });
  try {
    checkSqliteVersion(String(db.prepare('SELECT sqlite_version()').pluck().get()));
    checkIdentity(db, path, installId);
    configure(db, durability);
    if (schemaVersionOf(db) === 0) {
      migrate(db, (fresh) => setMeta(fresh, 'install_id', crypto.randomUUID()));
    }
    if ((sizeBytes ?? 0) <= QUICK_CHECK_MAX_BYTES) checkPages(db, path);
    adopt(db, path, dataDir, installId);
    migrateSafely(db, log);
    return db;
  } catch (cause) {
    db.close();
    throw explainFault(cause, path);
  }
}

/** Reads the header only, before anything is written to a file that may not be ours. */
function checkIdentity(db: Database, path: string, installId: string | undefined): void {
  const applicationId = Number(db.pragma('application_id', { simple: true }));
  const version = schemaVersionOf(db);
  const objects = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  const isBlank = applicationId === 0 && version === 0 && objects === 0;
  if (isBlank && installId === undefined) return;
  if (isBlank) throw refused(path, 'is empty, but this directory has been in use');
  if (applicationId !== APPLICATION_ID) throw refused(path, 'is not a database of llmgate');
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${path} was written by a newer llmgate (schema ${version}, this one knows ${SCHEMA_VERSION}); use that version.`,
    );
  }
}

function configure(db: Database, durability: Durability): void {
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal') {
    throw new StoreError(`${db.name} cannot use a write-ahead log; use a local file system.`);
  }
  db.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
  // Checkpoints belong to the books worker: an fsync must never stop the event loop.
  db.pragma('wal_autocheckpoint = 0');
}

function checkPages(db: Database, path: string): void {
  const found = String(db.pragma('quick_check(1)', { simple: true }));
  if (found !== 'ok') throw refused(path, `is damaged (${found.split('\n').at(-1)})`);
}

function adopt(db: Database, path: string, dataDir: string, installId: string | undefined): void {
  const own = getMeta(db, 'install_id');
  if (typeof own !== 'string') throw refused(path, 'has lost its install id');
  // A crash on first use, or somebody removed the file: the database itself says who it is.
  if (installId === undefined) writeInstallId(dataDir, own);
  else if (installId !== own) {
    throw refused(path, `belongs to another installation than ${join(dataDir, 'install-id')}`);
  }
}
