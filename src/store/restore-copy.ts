import { chownSync, constants, existsSync, rmSync, statSync } from 'node:fs';
import { chmod, copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DatabaseHeader, readDatabaseHeader } from './database-header.ts';
import { freeBytesOn, toMegabytes } from './disk-room.ts';
import { explainFault } from './explain-fault.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';
import { sqliteCode } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import { syncToDisk } from './sync-to-disk.ts';

/** What a migration of an older copy takes besides the copy. */
const ROOM_TO_MIGRATE = 3;

/** Files that SQLite may keep beside a database. */
export const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

/** The sentence for a copy that is not restored. */
export function refusedCopy(file: string, what: string): StoreError {
  return new StoreError(`${file} ${what}; nothing was changed, use another backup.`);
}

/** What SQLite or the system throws at a backup, as a sentence for the operator. */
export function explainCopy(cause: unknown, file: string): unknown {
  if (cause instanceof StoreError) return cause;
  const code = sqliteCode(cause) ?? '';
  if (code === 'SQLITE_NOTADB') return refusedCopy(file, 'is not an SQLite database');
  if (code.startsWith('SQLITE_CORRUPT')) return refusedCopy(file, 'is damaged');
  return explainFault(cause, file);
}

/** Throws a StoreError unless the file begins as books do that this llmgate can read. */
export function checkBooksHeader(file: string): DatabaseHeader {
  if (!existsSync(file)) throw new StoreError(`there is no file ${file}.`);
  const header = readDatabaseHeader(file);
  if (header.sizeBytes === 0) throw refusedCopy(file, 'is empty');
  if (header.applicationId === null) throw refusedCopy(file, 'is not an SQLite database');
  if (header.applicationId !== APPLICATION_ID) throw refusedCopy(file, 'is no backup of llmgate');
  if (header.schema <= SCHEMA_VERSION) return header;
  throw new StoreError(
    `${file} was written by a newer llmgate (schema ${header.schema}, this one knows ${SCHEMA_VERSION}); restore it with that version.`,
  );
}

/** Throws a StoreError when copies of these files do not fit beside the present ones. */
export function checkRoomFor(folder: string, books: DatabaseHeader, contentBytes: number): void {
  const factor = books.schema < SCHEMA_VERSION ? ROOM_TO_MIGRATE : 1;
  const neededBytes = books.sizeBytes * factor + contentBytes;
  const freeBytes = freeBytesOn(folder);
  if (freeBytes >= neededBytes) return;
  throw new StoreError(
    `a restore needs ${toMegabytes(neededBytes)} of room in ${folder} and the disk has ${toMegabytes(freeBytes)}; nothing was changed, make room.`,
  );
}

/**
 * Copies a database with its log, where it has one, into the data directory, private to the owner
 * of that: what is verified there is what takes the place later.
 */
export async function stageFile(file: string, staged: string): Promise<void> {
  removeStaged(staged);
  for (const suffix of ['', '-wal']) {
    if (suffix !== '' && !existsSync(`${file}${suffix}`)) continue;
    const to = `${staged}${suffix}`;
    await copyFile(`${file}${suffix}`, to, constants.COPYFILE_FICLONE);
    await chmod(to, 0o600);
    giveToOwner(to);
  }
  syncToDisk(staged);
}

export function removeStaged(staged: string): void {
  for (const suffix of ['', ...SIDE_FILES]) rmSync(`${staged}${suffix}`, { force: true });
}

/** Root restores for the user who runs the gateway. */
export function giveToOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  chownSync(path, uid, gid);
}
