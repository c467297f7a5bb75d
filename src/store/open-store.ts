import { mkdirSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import { GateError } from '../core/error.ts';
import { openDirectoryLock } from './directory-lock.ts';
import { openKeys } from './keys.ts';
import { GroupCommitLedger } from './ledger.ts';
import { openLedgerWriter } from './ledger-writer.ts';
import { type Durability, openDatabase } from './open-database.ts';
import { settleLeftovers } from './recovery.ts';
import type { Database } from './sqlite.ts';
import type { Books, Store } from './store.ts';
import { StoreError } from './store-error.ts';
import { ignoreStoreEvents, type StoreLog } from './store-event.ts';

export interface StoreOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** `process`: commits survive the death of the process; `full`: also a power cut. */
  readonly durability: Durability;
  readonly log?: StoreLog;
  /** False computes reports on the caller's own thread: for commands, never for a gateway. */
  readonly worker?: boolean;
}

/**
 * Opens the data directory under its lock, makes it on first use, and settles what a crash left
 * open. Throws StoreError when the directory is in use or its database is not to be trusted.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, durability, clock, log = ignoreStoreEvents } = options;
  const lock = inDataDir(dataDir, () => {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return openDirectoryLock(dataDir);
  });
  let db: Database | undefined;
  try {
    const opened = inDataDir(dataDir, () => openDatabase(dataDir, durability));
    db = opened;
    const writer = openLedgerWriter(opened);
    const recovered = settleLeftovers(opened, writer, clock);
    const ledger = new GroupCommitLedger(writer, log);
    let isClosed = false;
    return {
      keys: openKeys(opened),
      ledger,
      books: noBooks,
      recovered,
      async close() {
        if (isClosed) return;
        isClosed = true;
        ledger.close();
        opened.close();
        lock.close();
      },
    };
  } catch (cause) {
    db?.close();
    lock.close();
    throw cause;
  }
}

const noBooks: Books = {
  usage: () => Promise.reject(new GateError('internal', 'Reports do not exist yet.')),
  spend: () => Promise.reject(new GateError('internal', 'Reports do not exist yet.')),
  check: () => Promise.reject(new GateError('internal', 'Reports do not exist yet.')),
};

/** A failing system call on the directory, as one plain line for the operator. */
function inDataDir<T>(dataDir: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    const code = systemCode(cause);
    if (code === undefined) throw cause;
    throw new StoreError(
      `data directory ${dataDir} cannot be used (${code}); give this user a directory it may write, or change data_dir.`,
      { cause },
    );
  }
}

/** `EACCES` and the like from a system call, `SQLITE_CANTOPEN` and the like from SQLite. */
function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}
