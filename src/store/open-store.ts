import { mkdirSync, statSync } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import { GateError } from '../core/error.ts';
import { openAuditTrail } from './audit-events.ts';
import { openAuditReader } from './audit-query.ts';
import type { AuditTrail } from './audit-trail.ts';
import { makeBackup } from './backup-thread.ts';
import { openBooks } from './books.ts';
import { BooksWorker, type HeldWriter } from './books-client.ts';
import { openBudgetStore } from './budget-rows.ts';
import type { BudgetStore } from './budget-store.ts';
import { type ChainReader, openChainRows } from './chain-rows.ts';
import { type DirectoryLock, openDirectoryLock } from './directory-lock.ts';
import { explainFault } from './explain-fault.ts';
import { type ExportCursors, openExportCursors } from './export-cursors.ts';
import { openRequestFinder } from './find-request.ts';
import { openKeys } from './keys.ts';
import { GroupCommitLedger } from './ledger.ts';
import type { LedgerScheduler } from './ledger-scheduler.ts';
import { openLedgerWriter } from './ledger-writer.ts';
import { type LegalHolds, openLegalHolds } from './legal-holds.ts';
import { type Durability, databasePath, openDatabase } from './open-database.ts';
import { settleLeftovers } from './recovery.ts';
import { runAll } from './requests-walk.ts';
import { type Database, isBadRow } from './sqlite.ts';
import type { Books, KeyStore, Store } from './store.ts';
import { ignoreStoreEvents, type StoreLog } from './store-event.ts';
import { verifyAudit } from './verify-audit.ts';

export interface StoreOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** `process`: commits survive the death of the process; `full`: also a power cut. */
  readonly durability: Durability;
  readonly log?: StoreLog;
  /** False computes reports on the caller's own thread: for commands, never for a gateway. */
  readonly worker?: boolean;
  /** When the ledger writes: for simulations. */
  readonly scheduler?: LedgerScheduler;
  /** Is given the connection that writes, once it is open: simulations make it fail. */
  readonly onConnection?: (db: Database) => void;
}

/** A store that can also end as a crash would end it. */
export interface CrashableStore extends Store {
  /** Closes everything at once; what was not committed is neither written nor answered. */
  crash(): void;
}

/**
 * Opens the data directory under its lock, makes it on first use, and settles what a crash left
 * open. Throws StoreError when the directory is in use or its database is not to be trusted.
 */
export async function openStore(options: StoreOptions): Promise<CrashableStore> {
  const { dataDir, durability, clock, log = ignoreStoreEvents } = options;
  const lock = lockDirectory(dataDir);
  let db: Database | undefined;
  try {
    warnIfShared(dataDir, log);
    const opened = openDatabase(dataDir, durability, log);
    db = opened;
    const writer = openLedgerWriter(opened);
    const recovered = settleLeftovers(opened, writer, clock);
    const ledger = new GroupCommitLedger(writer, log, options.scheduler);
    const keys = openKeys(opened);
    options.onConnection?.(opened);
    const books =
      options.worker === false ? openLocalBooks(opened) : openBooksWorker(opened, ledger, log);
    const audit = openAuditTrail(opened);
    const budgets = openBudgetStore(opened);
    return new OpenStore({
      ...{ dataDir, db: opened, lock, keys, ledger, books, audit, budgets, recovered },
    });
  } catch (cause) {
    db?.close();
    lock.close();
    throw explainFault(cause, databasePath(dataDir));
  }
}

function lockDirectory(dataDir: string): DirectoryLock {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return openDirectoryLock(dataDir);
  } catch (cause) {
    throw explainFault(cause, dataDir);
  }
}

/**
 * The files are their owner's alone, but whoever can write to the folder can put others in their
 * place. A warning only: volumes of containers are commonly made that way.
 */
function warnIfShared(dataDir: string, log: StoreLog): void {
  const mode = statSync(dataDir).mode & 0o777;
  if ((mode & 0o022) === 0) return;
  log({
    level: 'warn',
    event: 'data_dir_shared',
    message: `${dataDir} can be written by other users (mode 0${mode.toString(8)}): chmod 700 it.`,
  });
}

interface StoreParts {
  readonly dataDir: string;
  readonly db: Database;
  readonly lock: DirectoryLock;
  readonly keys: KeyStore;
  readonly ledger: GroupCommitLedger;
  readonly books: ClosableBooks;
  readonly audit: AuditTrail;
  readonly budgets: BudgetStore;
  readonly recovered: number;
}

type ClosableBooks = Books & { readonly chains: ChainReader; close(): Promise<void> };

class OpenStore implements CrashableStore {
  readonly keys: KeyStore;
  readonly ledger: GroupCommitLedger;
  readonly books: ClosableBooks;
  readonly audit: AuditTrail;
  readonly budgets: BudgetStore;
  readonly legalHolds: LegalHolds;
  readonly chainRows: ChainReader;
  readonly exportCursors: ExportCursors;
  readonly recovered: number;
  readonly #parts: StoreParts;
  #closing: Promise<void> | undefined;

  constructor(parts: StoreParts) {
    this.keys = parts.keys;
    this.ledger = parts.ledger;
    this.books = parts.books;
    this.audit = parts.audit;
    this.budgets = parts.budgets;
    this.chainRows = parts.books.chains;
    this.exportCursors = openExportCursors(parts.db);
    this.legalHolds = openLegalHolds(parts.db);
    this.recovered = parts.recovered;
    this.#parts = parts;
  }

  transact<T>(work: () => T): T {
    try {
      return this.#parts.db.transaction(work).immediate();
    } catch (cause) {
      if (isBadRow(cause)) throw cause;
      throw new GateError('store_unavailable', 'The change could not be written.', { cause });
    }
  }

  backup: Store['backup'] = (order) => makeBackup({ ...order, dataDir: this.#parts.dataDir });

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  crash(): void {
    const { db, lock, ledger, books } = this.#parts;
    this.#closing ??= Promise.resolve();
    ledger.abandon();
    void books.close();
    db.close();
    lock.close();
  }

  async #close(): Promise<void> {
    const { db, lock, ledger, books } = this.#parts;
    ledger.close();
    await books.close();
    // The last connection to close empties the write-ahead log and removes it.
    db.close();
    lock.close();
  }
}

function openBooksWorker(db: Database, writer: HeldWriter, log: StoreLog): ClosableBooks {
  return new BooksWorker({ databasePath: db.name, writer, log });
}

function openLocalBooks(db: Database): ClosableBooks {
  const books = openBooks(db);
  const audit = openAuditReader(db);
  const requests = openRequestFinder(db);
  const rows = openChainRows(db);
  return {
    usage: async (query) => books.usage(query),
    spend: async (sinceMs) => books.spend(sinceMs),
    check: async () => books.check(),
    rebuild: async () => books.rebuild(),
    purge: async (order) => runAll(books.purgeSteps(order)),
    findRequest: async (beginning) => requests.find(beginning),
    audit: {
      page: async (query) => audit.page(query),
      entry: async (ref) => audit.entry(ref),
      verify: (order) => verifyAudit({ ...order, databasePath: db.name }),
    },
    chains: {
      heads: async () => rows.heads(),
      read: async (chain, afterSeq, limit) => rows.read(chain, afterSeq, limit),
    },
    close: async () => {},
  };
}
