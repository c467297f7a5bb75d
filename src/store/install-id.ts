import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { statRegularFile } from './regular-file.ts';

// SQLite opens an emptied file as a healthy new database. The id in this file says that there was
// one before, and which, so that losing it is an error and never a silent new start.

/** The id of this installation, or undefined when the directory has never been used. */
export function readInstallId(dataDir: string): string | undefined {
  const path = join(dataDir, 'install-id');
  return statRegularFile(path) !== undefined ? readFileSync(path, 'utf8').trim() : undefined;
}

/** Written last on first use: a crash before it leaves a directory that still counts as new. */
export function writeInstallId(dataDir: string, id: string): void {
  const path = join(dataDir, 'install-id');
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, `${id}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
