import { GateError } from '../core/error.ts';
import type { Usage } from '../core/usage.ts';
import { type LedgerScheduler, systemScheduler } from './ledger-scheduler.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import type { AttemptRow, FinishedRow, OpenRow } from './rows.ts';
import { isBadRow } from './sqlite.ts';
import type { Ledger, LedgerStats } from './store.ts';
import type { StoreLog } from './store-event.ts';

// Group commit: a transaction costs more than the rows in it, and requests arrive in bunches. All
// that is asked for in one turn of the event loop is written in one transaction at its end, and
// nobody is told before the commit.

/** Rows waiting for the end of the turn. Past it new requests are refused, settlements kept. */
const MAX_QUEUED = 20_000;

/** Settled rows kept while the store cannot be written: some 10 MB. */
const MAX_UNWRITTEN = 10_000;

/** So many of them ride along with each commit, which must stay short. */
const RETRIED_PER_COMMIT = 500;

/**
 * The books worker has the write lock for a millisecond or two at a time. SQLite would sleep
 * until it is free, and with it every request; this thread looks again later and goes on meanwhile.
 */
const LOOK_AGAIN_MS = 1;

/** A lock that is kept for so many looks is a fault of the store: a second, or a little more. */
const MAX_LOOKS = 750;

/** How old the durable usage of a running request may be, and how often a full disk is tried. */
const IDLE_FLUSH_MS = 1_000;

interface Opening {
  readonly kind: 'open';
  readonly row: OpenRow;
  readonly resolve: () => void;
  readonly reject: (error: GateError) => void;
}

interface Settling {
  readonly kind: 'settle';
  readonly row: FinishedRow;
  readonly attempts: readonly AttemptRow[];
  readonly resolve: () => void;
  readonly reject: (error: GateError) => void;
}

type Write = Opening | Settling;

/** Rows in one commit from which on the next waits for company. */
const CROWD = 8;

/**
 * The journal over one connection. The owner calls `close` before it closes the connection.
 *
 * `settle` rejects with `store_unavailable` when the row is kept and tried again, and with
 * `internal` when it is lost: the database refused the row itself, or too many are kept.
 */
export class GroupCommitLedger implements Ledger {
  readonly #writer: LedgerWriter;
  readonly #log: StoreLog;
  readonly #scheduler: LedgerScheduler;
  #queue: Write[] = [];
  #unwritten: Settling[] = [];
  #progress = new Map<string, Usage>();
  #progressIsDue = false;
  #flushIsScheduled = false;
  #isHeld = false;
  /** Rows of the last commit. */
  #lastBatch = 0;
  #stopIdleTimer: (() => void) | undefined;
  /** In vain, one after another. */
  #looks = 0;
  #stopLooking: (() => void) | undefined;
  #isWritable = true;
  #isLosing = false;
  #isClosed = false;
  #commits = 0;
  #rowsOpened = 0;
  #rowsSettled = 0;
  #dropped = 0;

  constructor(writer: LedgerWriter, log: StoreLog, scheduler = systemScheduler) {
    this.#writer = writer;
    this.#log = log;
    this.#scheduler = scheduler;
  }

  open(row: OpenRow): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable(undefined));
    if (this.#queue.length >= MAX_QUEUED) {
      return Promise.reject(new GateError('overloaded', 'Too many requests wait for the books.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ kind: 'open', row, resolve, reject });
      this.#schedule();
    });
  }

  settle(row: FinishedRow, attempts: readonly AttemptRow[]): Promise<void> {
    this.#progress.delete(row.id);
    return new Promise((resolve, reject) => {
      const write: Settling = { kind: 'settle', row, attempts, resolve, reject };
      if (this.#isClosed || this.#queue.length >= MAX_QUEUED) {
        this.#keep(write, undefined);
      } else {
        this.#queue.push(write);
        this.#schedule();
      }
    });
  }

  progress(id: string, usage: Usage): void {
    if (this.#progress.size >= MAX_QUEUED && !this.#progress.has(id)) return;
    this.#progress.set(id, usage);
    this.#startIdleTimer();
  }

  stats(): LedgerStats {
    return {
      commits: this.#commits,
      rowsOpened: this.#rowsOpened,
      rowsSettled: this.#rowsSettled,
      queued: this.#queue.length,
      unwritten: this.#unwritten.length,
      dropped: this.#dropped,
    };
  }

  /** Commits nothing until `release`; what is asked for meanwhile waits in the queue. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#flush();
  }

  async pause(): Promise<() => void> {
    // Somebody else may hold the commits back, for milliseconds at most.
    while (this.#isHeld) await new Promise<void>((resolve) => setImmediate(resolve));
    this.#flush('wait');
    if (this.#isClosed || this.#unwritten.length > 0) throw unavailable(undefined);
    this.#isHeld = true;
    return () => this.release();
  }

  /** Writes what is queued and tries once more what could not be written. */
  close(): void {
    if (this.#isClosed) return;
    this.#isHeld = false;
    this.#progressIsDue = true;
    do this.#flush('wait');
    while (this.#isWritable && this.#unwritten.length > 0);
    this.#end();
    if (this.#unwritten.length > 0) {
      this.#dropped += this.#unwritten.length;
      this.#log({
        level: 'error',
        event: 'ledger_rows_lost',
        message: `${this.#unwritten.length} finished requests could not be written before the end.`,
      });
      this.#unwritten = [];
    }
  }

  /** Ends as a crash would: what is queued is neither written nor answered. For simulations. */
  abandon(): void {
    this.#queue = [];
    this.#unwritten = [];
    this.#end();
  }

  #end(): void {
    this.#isClosed = true;
    this.#isHeld = false;
    this.#progress.clear();
    this.#stopIdleTimer?.();
    this.#stopLooking?.();
  }

  #schedule(): void {
    if (this.#flushIsScheduled) return;
    this.#flushIsScheduled = true;
    // Half of a commit's price is paid per commit. Where the last one was shared by many, another
    // turn of the event loop brings more to share the next; a single caller never waits for it.
    const scheduler = this.#scheduler;
    if (this.#lastBatch > CROWD) scheduler.soon(() => scheduler.soon(this.#flushNow));
    else scheduler.soon(this.#flushNow);
  }

  readonly #flushNow = () => {
    this.#flushIsScheduled = false;
    this.#flush();
  };

  #startIdleTimer(): void {
    if (this.#stopIdleTimer !== undefined || this.#isClosed) return;
    this.#stopIdleTimer = this.#scheduler.later(() => {
      this.#stopIdleTimer = undefined;
      this.#progressIsDue = true;
      this.#flush();
    }, IDLE_FLUSH_MS);
  }

  /** While another connection writes: `wait` for it here and now, or `try` again later. */
  #flush(ifLocked: 'wait' | 'try' = 'try'): void {
    if (this.#isHeld || !this.#hasWork()) return;
    const begun = ifLocked === 'wait' ? 'not yet' : this.#tryBegin();
    if (begun === 'locked') return;
    const asked = this.#queue;
    const retried = this.#unwritten.splice(0, RETRIED_PER_COMMIT);
    this.#queue = [];
    const progress = this.#takeProgress();
    const writes = retried.length === 0 ? asked : [...retried, ...asked];
    try {
      if (begun instanceof NotBegun) throw begun;
      this.#commit(writes, progress, begun === 'begun');
    } catch (cause) {
      if (isRowAtFault(cause)) this.#commitOneByOne(writes);
      else this.#postpone(writes, cause);
    }
    if (this.#unwritten.length > 0) this.#startIdleTimer();
  }

  #hasWork(): boolean {
    const progress = this.#progressIsDue ? this.#progress.size : 0;
    return this.#queue.length + this.#unwritten.length + progress > 0;
  }

  /** `locked` when it will be tried again by itself. */
  #tryBegin(): 'begun' | 'locked' | NotBegun {
    let cause: unknown;
    try {
      if (this.#writer.tryBegin()) {
        this.#looks = 0;
        return 'begun';
      }
      if (this.#looks < MAX_LOOKS) {
        this.#stopLooking ??= this.#scheduler.later(this.#look, LOOK_AGAIN_MS);
        return 'locked';
      }
    } catch (fault) {
      this.#writer.rollback();
      cause = fault;
    }
    cause ??= new Error('Another connection does not give the write lock back.');
    return new NotBegun('no transaction', { cause });
  }

  readonly #look = () => {
    this.#stopLooking = undefined;
    this.#looks += 1;
    this.#flush();
  };

  #takeProgress(): [string, Usage][] {
    if (!this.#progressIsDue) return [];
    this.#progressIsDue = false;
    const taken = [...this.#progress];
    this.#progress.clear();
    return taken;
  }

  #commit(writes: readonly Write[], progress: readonly [string, Usage][], isBegun: boolean): void {
    const writer = this.#writer;
    let hasBegun = isBegun;
    try {
      if (!isBegun) writer.begin();
      hasBegun = true;
      for (const write of writes) {
        if (write.kind === 'open') writer.open(write.row);
        else writer.settle(write.row, write.attempts);
      }
      for (const [id, usage] of progress) writer.progress(id, usage);
      writer.commit();
    } catch (cause) {
      writer.rollback();
      throw hasBegun ? cause : new NotBegun('no transaction', { cause });
    }
    this.#commits += 1;
    this.#lastBatch = writes.length;
    this.#noteWritable();
    for (const write of writes) {
      if (write.kind === 'open') this.#rowsOpened += 1;
      else this.#rowsSettled += 1;
      write.resolve();
    }
  }

  /** Only after a row was refused for what it is: the others must not suffer for it. */
  #commitOneByOne(writes: readonly Write[]): void {
    for (const [index, write] of writes.entries()) {
      try {
        this.#commit([write], [], false);
      } catch (cause) {
        if (isRowAtFault(cause)) {
          this.#refuse(write, cause);
        } else {
          // Each of the others would wait for the same lock or the same disk.
          this.#postpone(writes.slice(index), cause);
          return;
        }
      }
    }
  }

  #refuse(write: Write, cause: unknown): void {
    if (write.kind === 'settle') this.#dropped += 1;
    this.#log({
      level: 'error',
      event: 'ledger_row_refused',
      message: `The database refused to ${write.kind} request ${write.row.id}.`,
      cause,
    });
    write.reject(unrecorded(cause));
  }

  #postpone(writes: readonly Write[], fault: unknown): void {
    const cause = fault instanceof NotBegun ? fault.cause : fault;
    if (this.#isWritable) {
      this.#isWritable = false;
      this.#log({
        level: 'error',
        event: 'store_unwritable',
        message: 'The books cannot be written; new requests are refused until they can.',
        cause,
      });
    }
    for (const write of writes) {
      if (write.kind === 'settle') this.#keep(write, cause);
      else write.reject(unavailable(cause));
    }
  }

  #keep(write: Settling, cause: unknown): void {
    if (this.#unwritten.length < MAX_UNWRITTEN && !this.#isClosed) {
      this.#unwritten.push(write);
      this.#startIdleTimer();
      write.reject(unavailable(cause));
      return;
    }
    this.#dropped += 1;
    this.#noteLoss(cause);
    write.reject(unrecorded(cause));
  }

  /** Once until the store can be written again: the count says how many. */
  #noteLoss(cause: unknown): void {
    if (this.#isLosing) return;
    this.#isLosing = true;
    this.#log({
      level: 'error',
      event: 'ledger_rows_lost',
      message: `Finished requests are lost: the books cannot be written and ${MAX_UNWRITTEN} wait.`,
      cause,
    });
  }

  #noteWritable(): void {
    if (this.#isWritable) return;
    this.#isWritable = true;
    this.#isLosing = false;
    this.#log({
      level: 'info',
      event: 'store_writable',
      message: 'The books can be written again.',
    });
  }
}

/** Whatever kept a transaction from its begin, it was no row. */
class NotBegun extends Error {}

function isRowAtFault(cause: unknown): boolean {
  return !(cause instanceof NotBegun) && isBadRow(cause);
}

function unavailable(cause: unknown): GateError {
  return new GateError('store_unavailable', 'The books cannot be written now.', { cause });
}

function unrecorded(cause: unknown): GateError {
  return new GateError('internal', 'The request could not be recorded.', { cause });
}
