import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { copyDatabase } from './copy-database.ts';
import { freeBytesOn, toMegabytes } from './disk-room.ts';
import { migrate, SCHEMA_VERSION, schemaVersionOf } from './migrations.ts';
import { type Database, sqliteCode } from './sqlite.ts';
import { StoreError } from './store-error.ts';
import type { StoreLog } from './store-event.ts';
import { syncToDisk } from './sync-to-disk.ts';

/**
 * Room for the copy, for every row once more in the write-ahead log and once more in the database,
 * and for what rows of a newer schema have more than those of an older one.
 */
const ROOM_PER_DATABASE_BYTE = 5;

/**
 * Brings an older database to this schema after a copy of it was made beside it. Whatever fails,
 * the database is left at the schema it had, and the StoreError says so in one line.
 */
export function migrateSafely(db: Database, log: StoreLog): void {
  const from = schemaVersionOf(db);
  if (from === SCHEMA_VERSION) return;
  const path = db.name;
  const what = `${path}: schema ${from} → ${SCHEMA_VERSION}`;
  checkRoom(path, sizeOf(db), freeBytesOn(path));
  log({ level: 'info', event: 'store_migrating', message: `${what}, a copy is made first.` });
  const copy = `${path}.schema${from}.bak`;
  try {
    keepCopy(db, copy);
    migrate(db, () => {});
  } catch (cause) {
    const reason = sqliteCode(cause) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new StoreError(
      `${path} could not be brought to schema ${SCHEMA_VERSION} (${reason}) and is as it was; make room or repair it, or use the llmgate that wrote it.`,
      { cause },
    );
  }
  log({ level: 'info', event: 'store_migrated', message: `${what} done; the old one is ${copy}.` });
}

/** Throws a StoreError when a database of that size cannot be copied and rewritten in the room. */
export function checkRoom(path: string, sizeBytes: number, freeBytes: number): void {
  const neededBytes = sizeBytes * ROOM_PER_DATABASE_BYTE;
  if (freeBytes >= neededBytes) return;
  throw new StoreError(
    `${path} must be brought to schema ${SCHEMA_VERSION}, which needs ${toMegabytes(neededBytes)} of room and the disk has ${toMegabytes(freeBytes)}; nothing was changed, make room.`,
  );
}

/** Under its final name only when it is whole and on the disk. */
function keepCopy(db: Database, copy: string): void {
  const unfinished = `${copy}.new`;
  copyDatabase(db, unfinished);
  renameSync(unfinished, copy);
  syncToDisk(dirname(copy));
}

function sizeOf(db: Database): number {
  const pages = Number(db.pragma('page_count', { simple: true }));
  return pages * Number(db.pragma('page_size', { simple: true }));
}
