import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { StoreError } from './store-error.ts';

/** The first bytes of an SQLite file (https://sqlite.org/fileformat.html, 1.3). */
const MAGIC = 'SQLite format 3\0';
const VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;
const HEADER_BYTES = 100;

export interface DatabaseHeader {
  readonly sizeBytes: number;
  /** `null` when the file does not begin as an SQLite database does. */
  readonly applicationId: number | null;
  readonly schema: number;
}

/**
 * Looks at a file without SQLite, which might change it. Links are followed. Throws a StoreError
 * when it is no file and what the system throws when it cannot be read.
 */
export function readDatabaseHeader(path: string): DatabaseHeader {
  // Without waiting: a pipe would hold the process up for ever.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw new StoreError(`${path} is not a file.`);
    const bytes = Buffer.alloc(HEADER_BYTES);
    const length = readSync(file, bytes, 0, HEADER_BYTES, 0);
    const isDatabase = length === HEADER_BYTES && bytes.toString('latin1', 0, 16) === MAGIC;
    return {
      sizeBytes: status.size,
      applicationId: isDatabase ? bytes.readUInt32BE(APPLICATION_ID_OFFSET) : null,
      schema: bytes.readUInt32BE(VERSION_OFFSET),
    };
  } finally {
    closeSync(file);
  }
}
