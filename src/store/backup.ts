import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readAdminHead } from './audit-events.ts';
import { CHAINS, type ChainHeads } from './audit-trail.ts';
import {
  type BackupManifest,
  type CopiedFile,
  readManifest,
  writeManifest,
} from './backup-manifest.ts';
import { checkBackupTarget, contentCopyPath } from './backup-target.ts';
import { CONTENT_APPLICATION_ID, contentPath } from './content/content-database.ts';
import { copyDatabase } from './copy-database.ts';
import { explainFault } from './explain-fault.ts';
import { hashFile } from './hash-file.ts';
import { getMeta } from './meta.ts';
import { APPLICATION_ID, SCHEMA_VERSION, schemaVersionOf } from './migrations.ts';
import { databasePath } from './open-database.ts';
import { readRequestsHead } from './requests-head.ts';
import { type Database, openSqlite, sqliteCode } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import { syncToDisk } from './sync-to-disk.ts';

/** Readers of a write-ahead log wait only while somebody recovers it. */
const BUSY_TIMEOUT_MS = 5_000;

export interface BackupOrder {
  readonly dataDir: string;
  /** Absolute. */
  readonly file: string;
  /** Another backup of that name may go. */
  readonly overwrite: boolean;
  /** Version of llmgate. */
  readonly llmgate: string;
  readonly atMs: number;
}

export interface BackupMade {
  readonly manifest: BackupManifest;
  readonly sizeBytes: number;
}

/**
 * Copies the books, and captured content where there is any, as they are at one moment each. The
 * copies get their names only when they were verified and are on the disk. Takes as long as it
 * takes to read everything, so it belongs on a thread of its own. Throws StoreError.
 */
export function writeBackup(order: BackupOrder): BackupMade {
  const { dataDir, file, overwrite } = order;
  const contentFile = contentCopyPath(file);
  const unfinished = `${file}.unfinished`;
  const unfinishedContent = `${contentFile}.unfinished`;
  try {
    checkBackupTarget(dataDir, file, overwrite);
    const source = copyBooks(databasePath(dataDir), unfinished);
    // Content is written before the row that names it: copied after the rows, none is missing.
    const content = copyContent(contentPath(dataDir), unfinishedContent);
    const manifest = sealCopy(unfinished, source, content, order);
    // The pair is complete when the books get their name.
    if (content !== null) renameSync(unfinishedContent, contentFile);
    renameSync(unfinished, file);
    if (content === null) rmSync(contentFile, { force: true });
    syncToDisk(dirname(file));
    return { manifest, sizeBytes: statSync(file).size };
  } catch (cause) {
    rmSync(unfinished, { force: true });
    rmSync(unfinishedContent, { force: true });
    const isSourceAtFault = sqliteCode(cause)?.startsWith('SQLITE_CORRUPT') === true;
    throw explainFault(cause, isSourceAtFault ? databasePath(dataDir) : file);
  }
}

/** What the books said before the copy was begun. */
interface Source {
  readonly installId: unknown;
  readonly heads: ChainHeads;
}

function copyBooks(path: string, unfinished: string): Source {
  return withDatabase(path, true, (db) => {
    const source = { installId: getMeta(db, 'install_id'), heads: headsOf(db) };
    copyDatabase(db, unfinished);
    return source;
  });
}

function copyContent(path: string, unfinished: string): CopiedFile | null {
  rmSync(unfinished, { force: true });
  if (!existsSync(path)) return null;
  withDatabase(path, true, (db) => {
    if (idOf(db) !== CONTENT_APPLICATION_ID) {
      throw new StoreError(`${path} is not a content database of llmgate; put it back.`);
    }
    copyDatabase(db, unfinished);
  });
  withDatabase(unfinished, true, (db) => checkCopy(db, CONTENT_APPLICATION_ID));
  return hashFile(unfinished);
}

/** Writes the manifest into the copy, then reads all of it once more. */
function sealCopy(
  unfinished: string,
  source: Source,
  content: CopiedFile | null,
  { atMs, llmgate }: BackupOrder,
): BackupManifest {
  const manifest = withDatabase(unfinished, false, (db) => {
    db.pragma('journal_mode = MEMORY');
    const written: BackupManifest = {
      installId: String(getMeta(db, 'install_id')),
      schema: schemaVersionOf(db),
      madeAtMs: atMs,
      llmgate,
      heads: headsOf(db),
      content,
    };
    writeManifest(db, written);
    return written;
  });
  withDatabase(unfinished, true, (db) => {
    checkCopy(db, APPLICATION_ID);
    const isSame =
      manifest.installId === source.installId &&
      manifest.schema === SCHEMA_VERSION &&
      readManifest(db) !== null &&
      CHAINS.every((chain) => continues(db, chain, source.heads));
    if (!isSame) throw new StoreError('the copy does not hold what was copied; make another one.');
  });
  syncToDisk(unfinished);
  return manifest;
}

function checkCopy(db: Database, applicationId: number): void {
  const found = String(db.pragma('quick_check(1)', { simple: true }));
  if (found === 'ok' && idOf(db) === applicationId) return;
  throw new StoreError(
    `the copy cannot be read back (${found}); check the disk it was written to.`,
  );
}

/** Whether what was the end of a chain before is in the copy, or has been purged from it since. */
function continues(db: Database, chain: (typeof CHAINS)[number], before: ChainHeads): boolean {
  const { seq, hash } = before[chain];
  const copied = db
    .prepare<[number], string>(`SELECT lower(hex(hash)) FROM ${chain} WHERE seq = ?`)
    .pluck()
    .get(seq);
  return copied === undefined ? headsOf(db)[chain].seq >= seq : copied === hash;
}

function idOf(db: Database): number {
  return Number(db.pragma('application_id', { simple: true }));
}

function headsOf(db: Database): ChainHeads {
  return { requests: readRequestsHead(db), admin_events: readAdminHead(db) };
}

function withDatabase<T>(path: string, readonly: boolean, use: (db: Database) => T): T {
  const db = openSqlite(path, { busyTimeoutMs: BUSY_TIMEOUT_MS, mustExist: true, readonly });
  try {
    return use(db);
  } finally {
    db.close();
  }
}
