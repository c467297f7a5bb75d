import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { explainFault, refused } from '../explain-fault.ts';
import { statRegularFile } from '../regular-file.ts';
import { checkSqliteVersion, type Database, openSqlite } from '../sqlite.ts';
import { StoreError } from '../store-error.ts';

/** 'llmc' in SQLite's header. */
export const CONTENT_APPLICATION_ID = 0x6c6c6d63;
const SCHEMA_VERSION = 1;

/** Only commands without a gateway are a second connection, and the directory's lock forbids them. */
const BUSY_TIMEOUT_MS = 1_000;

const SCHEMA = `
CREATE TABLE data_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id TEXT NOT NULL,
  user TEXT,
  team TEXT,
  tenant TEXT,
  created_at_ms INTEGER NOT NULL,
  content_key BLOB NOT NULL,
  wrapped BLOB NOT NULL
) STRICT;
CREATE INDEX data_keys_key ON data_keys (key_id);
CREATE INDEX data_keys_user ON data_keys (user) WHERE user IS NOT NULL;
CREATE INDEX data_keys_team ON data_keys (team) WHERE team IS NOT NULL;
CREATE INDEX data_keys_tenant ON data_keys (tenant) WHERE tenant IS NOT NULL;

CREATE TABLE contents (
  id BLOB PRIMARY KEY,
  data_key INTEGER NOT NULL,
  mode TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  request_bytes INTEGER NOT NULL,
  request_truncated INTEGER NOT NULL,
  answer_bytes INTEGER NOT NULL,
  answer_truncated INTEGER NOT NULL,
  salt BLOB NOT NULL,
  request BLOB NOT NULL,
  answer BLOB NOT NULL
) STRICT;
CREATE INDEX contents_data_key ON contents (data_key, at_ms);

-- Data keys that are gone while what they locked is still being removed.
CREATE TABLE erased_keys (data_key INTEGER PRIMARY KEY) STRICT;
CREATE TABLE probes (id INTEGER PRIMARY KEY, filling BLOB NOT NULL) STRICT;
`;

export function contentPath(dataDir: string): string {
  return join(dataDir, 'content.db');
}

/**
 * Opens the content database and makes it when there is none. What is deleted in it is overwritten
 * with zeros. Throws a StoreError for a file that is damaged, foreign or newer.
 */
export function openContentDatabase(path: string, durability: 'process' | 'full'): Database {
  try {
    const sizeBytes = statRegularFile(path)?.size;
    // SQLite would create it readable for everybody; its -wal and -shm files copy this mode.
    if (sizeBytes === undefined) closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw explainFault(cause, path);
  }
  const db = openSqlite(path, { busyTimeoutMs: BUSY_TIMEOUT_MS, mustExist: true });
  try {
    checkSqliteVersion(String(db.prepare('SELECT sqlite_version()').pluck().get()));
    const isNew = checkIdentity(db, path);
    configure(db, durability);
    if (isNew) createSchema(db);
    // A crash may have left copies of what was deleted in the log.
    truncateLog(db);
    return db;
  } catch (cause) {
    db.close();
    throw explainFault(cause, path);
  }
}

/** True for a file in which nothing has been written yet. */
function checkIdentity(db: Database, path: string): boolean {
  const applicationId = Number(db.pragma('application_id', { simple: true }));
  const version = Number(db.pragma('user_version', { simple: true }));
  const objects = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (applicationId === 0 && version === 0 && objects === 0) return true;
  if (applicationId !== CONTENT_APPLICATION_ID)
    throw refused(path, 'is not a content database of llmgate');
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${path} was written by a newer llmgate (schema ${version}, this one knows ${SCHEMA_VERSION}); use that version.`,
    );
  }
  return false;
}

function configure(db: Database, durability: 'process' | 'full'): void {
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal') {
    throw new StoreError(`${db.name} cannot use a write-ahead log; use a local file system.`);
  }
  db.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
  db.pragma('secure_delete = ON');
  // Nothing of what is encrypted here may reach a temporary file.
  db.pragma('temp_store = MEMORY');
}

function createSchema(db: Database): void {
  const create = db.transaction(() => {
    db.exec(SCHEMA);
    db.pragma(`application_id = ${CONTENT_APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  });
  create.immediate();
}

/** Writes the log into the database and empties it. Throws when somebody else is reading it. */
export function truncateLog(db: Database): void {
  const [state] = db.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
  if (state?.busy === 0) return;
  throw new StoreError(`${db.name}-wal is being read by another process and cannot be emptied.`);
}
