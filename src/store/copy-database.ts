import { closeSync, openSync, rmSync } from 'node:fs';
import type { Database } from './sqlite.ts';
import { syncToDisk } from './sync-to-disk.ts';

/**
 * Writes the database as one moment saw it into a private file of that name, which is then on the
 * disk; other connections go on. Leaves no file behind when it fails. Meant for a name beside the
 * final one, to be renamed by the caller.
 */
export function copyDatabase(db: Database, unfinished: string): void {
  rmSync(unfinished, { force: true });
  // SQLite would create it readable for everybody; into an empty file it copies as well.
  closeSync(openSync(unfinished, 'wx', 0o600));
  try {
    db.prepare('VACUUM INTO ?').run(unfinished);
    syncToDisk(unfinished);
  } catch (cause) {
    rmSync(unfinished, { force: true });
    throw cause;
  }
}
