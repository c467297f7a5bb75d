import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where the lock file says who has it: `user_version` of SQLite's header, big-endian. */
const PID_OFFSET = 60;

/**
 * The process that holds the lock of a data directory, or null. Asked of the kernel's list, because
 * trying the lock would take it for a moment from a gateway that starts just then.
 */
export function findLockHolder(
  dataDir: string,
  readText: (path: string) => string | null,
): number | null {
  const seen = readLock(join(dataDir, 'lock'));
  if (seen === null) return null;
  const { pid, inode } = seen;
  const locks = (readText('/proc/locks') ?? '').split('\n');
  const isHeld = locks.some((line) => {
    const [, , , , holder, place] = line.trim().split(/\s+/);
    return Number(holder) === pid && place?.endsWith(`:${inode}`) === true;
  });
  return isHeld ? pid : null;
}

function readLock(path: string): { readonly pid: number; readonly inode: number } | null {
  try {
    const { ino: inode } = statSync(path);
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(4);
      const isWhole = readSync(file, bytes, 0, 4, PID_OFFSET) === 4;
      return isWhole ? { pid: bytes.readUInt32BE(), inode } : null;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
