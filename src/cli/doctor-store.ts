import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../store/sqlite.ts';
import { toByteSize } from './byte-size.ts';
import type { DoctorCase } from './doctor-case.ts';
import { type Finding, isFailed, isOk, isWarned } from './doctor-finding.ts';

/** Read through in half a second or so; larger books are looked at by "ledger check". */
const QUICK_CHECK_MAX_BYTES = 200 * 1024 * 1024;
/** Longer than the writer ever holds the lock. */
const BUSY_TIMEOUT_MS = 5_000;
/** Checkpoints run every quarter of a second, so a log this long is one that is held open. */
const LOG_WARN_BYTES = 256 * 1024 * 1024;
const DISK_WARN_BYTES = 2_000_000_000;
const DISK_FAIL_BYTES = 100_000_000;

/** SQLite itself, the books, their log and the disk they lie on. */
export async function examineStore(patient: DoctorCase): Promise<readonly Finding[]> {
  const { dataDir } = patient;
  const findings = [await examineSqlite()];
  if (statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() !== true) return findings;
  if (sizeOf(databaseIn(dataDir)) > 0) findings.push(await examineBooks(dataDir));
  const logBytes = sizeOf(join(dataDir, 'llmgate.db-wal'));
  if (logBytes > LOG_WARN_BYTES) {
    const says = `the log of writes has ${toByteSize(logBytes)}: something keeps it from being emptied`;
    findings.push(
      isWarned(says, 'End other programs that have llmgate.db open, or restart llmgate.'),
    );
  }
  findings.push(await examineDisk(patient));
  return findings;
}

async function examineSqlite(): Promise<Finding> {
  const { checkSqliteVersion, openSqlite } = await import('../store/sqlite.ts');
  const database = openSqlite(':memory:', { busyTimeoutMs: 0, mustExist: false });
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get());
  database.close();
  try {
    checkSqliteVersion(version);
    return isOk(`SQLite ${version}`);
  } catch (cause) {
    return isFailed(toWords(cause), 'Use a newer llmgate.');
  }
}

/** Through SQLite, because what was written last may be in the log and not in the file yet. */
async function examineBooks(dataDir: string): Promise<Finding> {
  const { APPLICATION_ID, SCHEMA_VERSION, schemaVersionOf } = await import(
    '../store/migrations.ts'
  );
  const { openSqlite } = await import('../store/sqlite.ts');
  const path = databaseIn(dataDir);
  const restore = 'llmgate restore FILE puts a backup back.';
  let database: Database | undefined;
  try {
    const order = { busyTimeoutMs: BUSY_TIMEOUT_MS, mustExist: true, readonly: true };
    database = openSqlite(path, order);
    if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
      return isFailed(`${path} is not a database of llmgate`, restore);
    }
    const schema = schemaVersionOf(database);
    const what = `the books: ${toByteSize(sizeOf(path))}, schema ${schema}`;
    if (schema > SCHEMA_VERSION) {
      const mend = 'Use the version of llmgate that wrote it, or a newer one.';
      return isFailed(`${what}; this llmgate knows ${SCHEMA_VERSION}`, mend);
    }
    if (schema < SCHEMA_VERSION) {
      const mend = 'The next "llmgate serve" brings them up to date, after a copy.';
      return isWarned(`${what}; this llmgate writes ${SCHEMA_VERSION}`, mend);
    }
    if (sizeOf(path) > QUICK_CHECK_MAX_BYTES) {
      return isOk(`${what}; too large for a quick look ("llmgate ledger check" reads all)`);
    }
    const found = String(database.pragma('quick_check(1)', { simple: true }));
    if (found === 'ok') return isOk(`${what}, no page is damaged`);
    return isFailed(`${what}, damaged: ${found}`, restore);
  } catch (cause) {
    return isFailed(`${path} cannot be read: ${toWords(cause)}`, restore);
  } finally {
    database?.close();
  }
}

async function examineDisk({ dataDir, config }: DoctorCase): Promise<Finding> {
  const { freeBytesOn } = await import('../store/disk-room.ts');
  const freeBytes = freeBytesOn(dataDir);
  const says = `${toByteSize(freeBytes)} free where ${dataDir} lies`;
  const mend = 'Make room; without it nothing that costs money is started.';
  if (freeBytes < DISK_FAIL_BYTES) return isFailed(says, mend);
  if (freeBytes < (config?.alerts.diskFreeBytes ?? DISK_WARN_BYTES)) return isWarned(says, mend);
  return isOk(says);
}

function databaseIn(dataDir: string): string {
  return join(dataDir, 'llmgate.db');
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function toWords(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
