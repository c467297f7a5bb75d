import type { Database } from './sqlite.ts';

// The connection that writes requests never checkpoints, because a checkpoint waits for the disk.
// The books worker does it for both. A passive checkpoint disturbs nobody, but the log starts over
// only when it ends without newer commits, and under steady load it never does. Past a size the
// ledger is therefore asked to hold its commits back for the last few pages: requests wait a few
// milliseconds for their row, and the thread that serves them never waits at all.

const PAGE_BYTES = 4_096;
const BACKLOG_PAGES = (4 * 1024 * 1024) / PAGE_BYTES;
const LONG_LOG_PAGES = (32 * 1024 * 1024) / PAGE_BYTES;

/** More than this cannot have been committed during a checkpoint: somebody reads an old state. */
const PINNED_PAGES = (16 * 1024 * 1024) / PAGE_BYTES;

interface LogState {
  /** Pages in the write-ahead log. */
  readonly log: number;
  /** Of those, pages that are in the database already. */
  readonly checkpointed: number;
}

/**
 * Writes the log back into the database when enough of it has gathered. `long` means that the log
 * should start over: hold the commits, then `checkpointRest`. `pinned` means that it cannot, and
 * that holding commits would not help: a backup, say, still reads what was there when it began.
 */
export function checkpointIfDue(db: Database): 'done' | 'long' | 'pinned' {
  const before = run(db, 'NOOP');
  const isLong = before.log >= LONG_LOG_PAGES;
  if (before.log - before.checkpointed < BACKLOG_PAGES && !isLong) return 'done';
  run(db, 'PASSIVE');
  // What was committed meanwhile is little: often this one ends with nothing newer.
  run(db, 'PASSIVE');
  // A checkpoint reports the log as it found it; only a new look knows of commits since.
  const { log, checkpointed } = run(db, 'NOOP');
  if (log - checkpointed > PINNED_PAGES) return 'pinned';
  return isLong && log > checkpointed ? 'long' : 'done';
}

/** Of the write-ahead log, as far as it is in use. */
export function logBytes(db: Database): number {
  return run(db, 'NOOP').log * PAGE_BYTES;
}

/** While nobody writes this reaches the end of the log, and the next commit starts it over. */
export function checkpointRest(db: Database): void {
  run(db, 'PASSIVE');
}

/** Empties the log: for the end, when nobody writes any more. */
export function checkpointAll(db: Database): void {
  run(db, 'TRUNCATE');
}

function run(db: Database, mode: 'NOOP' | 'PASSIVE' | 'TRUNCATE'): LogState {
  const [state] = db.pragma(`wal_checkpoint(${mode})`) as LogState[];
  return state ?? { log: 0, checkpointed: 0 };
}
