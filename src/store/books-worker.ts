import { GateError } from '../core/error.ts';
import { type AuditReader, openAuditReader } from './audit-query.ts';
import { type OpenBooks, openBooks } from './books.ts';
import type { BooksAnswer, BooksAsk, BooksFailure } from './books-message.ts';
import { type ChainRows, openChainRows } from './chain-rows.ts';
import { checkpointAll, checkpointIfDue, checkpointRest, logBytes } from './checkpoint.ts';
import { openRequestFinder, type RequestFinder } from './find-request.ts';
import { checkPagesOf } from './page-check.ts';
import type { Steps } from './requests-walk.ts';
import { type Database, openSqlite } from './sqlite.ts';

// The thread of the books: sums, reports and checkpoints on a connection of their own, so that no
// scan and no wait for the disk ever stops the thread that serves requests.

declare const self: Worker;

/** How often it looks whether anything was committed; costs some 10 µs when nothing was. */
const LOOK_EVERY_MS = 250;

const ROLL_UP_EVERY_LOOKS = 20;

/** Longer than the writer ever holds the lock; this thread may wait. */
const BUSY_TIMEOUT_MS = 5_000;

/** A log that cannot be emptied is told of from this size on. */
const FIRST_TOLD_BYTES = 256 * 1024 * 1024;

interface Desk {
  readonly db: Database;
  readonly books: OpenBooks;
  readonly audit: AuditReader;
  readonly requests: RequestFinder;
  readonly chains: ChainRows;
  readonly timer: ReturnType<typeof setInterval>;
}

let desk: Desk | undefined;
let seenVersion: unknown;
let looks = 0;
let isFailing = false;
let toldBytes = FIRST_TOLD_BYTES;
/** The ledger was asked to hold its commits back and waits for this thread. */
let isHoldAsked = false;
let isWorkScheduled = false;

/** Checks and rebuilds that were asked for; the first one is under way. */
const jobs: Job[] = [];

/**
 * Between two steps of a purge: whoever waited for the lock sleeps a millisecond or two, and must
 * then find it free.
 */
const PURGE_PAUSE_MS = 5;

interface Job {
  readonly id: number;
  readonly pauseMs: number;
  readonly start: (books: OpenBooks) => Steps<unknown>;
  steps?: Steps<unknown>;
}

self.onmessage = (event: MessageEvent<BooksAsk>) => {
  const ask = event.data;
  try {
    if (ask.op === 'check')
      return enqueue({ id: ask.id, pauseMs: 0, start: (books) => books.checkSteps() });
    if (ask.op === 'rebuild') {
      return enqueue({ id: ask.id, pauseMs: 0, start: (books) => books.rebuildSteps() });
    }
    if (ask.op === 'purge') {
      const start = (books: OpenBooks) => books.purgeSteps(ask.order);
      return enqueue({ id: ask.id, pauseMs: PURGE_PAUSE_MS, start });
    }
    post({ id: ask.id, value: answer(ask) });
  } catch (cause) {
    post({ id: ask.id, failure: toFailure(cause) });
  }
};

function enqueue(job: Job): void {
  jobs.push(job);
  scheduleWork();
}

/** One step per turn of the event loop: reports and checkpoints do not wait for a job's end. */
function workOn(): void {
  const job = jobs[0];
  if (job === undefined || isHoldAsked) return;
  try {
    if (desk === undefined) throw new Error('the books are not open');
    job.steps ??= job.start(desk.books);
    const { done, value } = job.steps.next();
    if (done) {
      jobs.shift();
      post({ id: job.id, value });
    }
  } catch (cause) {
    jobs.shift();
    post({ id: job.id, failure: toFailure(cause) });
  }
  scheduleWork();
}

function scheduleWork(): void {
  const job = jobs[0];
  if (job === undefined || isWorkScheduled) return;
  isWorkScheduled = true;
  const work = () => {
    isWorkScheduled = false;
    workOn();
  };
  if (job.pauseMs === 0) setImmediate(work);
  else setTimeout(work, job.pauseMs);
}

function askToHold(): void {
  isHoldAsked = true;
  post({ wants: 'hold' });
}

function holdIsOver(): void {
  if (!isHoldAsked) return;
  isHoldAsked = false;
  scheduleWork();
}

function answer(ask: BooksAsk): unknown {
  if (ask.op === 'start') return start(ask.databasePath);
  if (ask.op === 'pages') return checkPagesOf(ask.databasePath, BUSY_TIMEOUT_MS);
  if (desk === undefined) throw new Error('the books are not open');
  if (ask.op === 'usage') return desk.books.usage(ask.query);
  if (ask.op === 'spend') return desk.books.spend(ask.sinceMs);
  if (ask.op === 'audit_page') return desk.audit.page(ask.query);
  if (ask.op === 'audit_entry') return desk.audit.entry(ask.ref);
  if (ask.op === 'request') return desk.requests.find(ask.beginning);
  if (ask.op === 'chain_heads') return desk.chains.heads();
  if (ask.op === 'chain_rows') return desk.chains.read(ask.chain, ask.afterSeq, ask.limit);
  if (ask.op === 'held') {
    holdIsOver();
    return checkpointRest(desk.db);
  }
  return close(desk);
}

function start(databasePath: string): void {
  const db = openSqlite(databasePath, { busyTimeoutMs: BUSY_TIMEOUT_MS, mustExist: true });
  db.pragma('synchronous = NORMAL');
  db.pragma('wal_autocheckpoint = 0');
  const timer = setInterval(look, LOOK_EVERY_MS);
  desk = {
    ...{ db, timer, books: openBooks(db), audit: openAuditReader(db) },
    ...{ requests: openRequestFinder(db), chains: openChainRows(db) },
  };
}

function close({ db, timer }: Desk): void {
  desk = undefined;
  clearInterval(timer);
  // Sums that are behind are caught up at the next start; the log is worth emptying now.
  checkpointAll(db);
  db.close();
}

function look(): void {
  if (desk === undefined) return;
  looks += 1;
  holdIsOver();
  try {
    const version = desk.db.pragma('data_version', { simple: true });
    if (version !== seenVersion) checkpoint(desk.db);
    if (looks % ROLL_UP_EVERY_LOOKS === 0 && version !== seenVersion) {
      seenVersion = version;
      rollUp();
    }
    if (isFailing) note('info', 'books_recovered', 'The books are kept again.');
    isFailing = false;
  } catch (cause) {
    if (!isFailing) note('warn', 'books_failing', 'Sums or checkpoints cannot be written.', cause);
    isFailing = true;
    seenVersion = undefined;
  }
}

function checkpoint(db: Database): void {
  const state = checkpointIfDue(db);
  if (state === 'long') askToHold();
  if (state !== 'pinned') {
    toldBytes = FIRST_TOLD_BYTES;
    return;
  }
  const bytes = logBytes(db);
  if (bytes < toldBytes) return;
  // Twice as much before it is told again: a few lines, however long somebody reads.
  toldBytes = bytes * 2;
  const megabytes = Math.round(bytes / 1_000_000);
  const what = 'something has been reading the database for long, a backup perhaps';
  note('warn', 'log_long', `The write-ahead log has grown to ${megabytes} MB: ${what}.`);
}

/** One batch per turn, so that a question asked meanwhile is not kept waiting. */
function rollUp(): void {
  if (desk?.books.rollUpStep() === true) setImmediate(rollUp);
}

function note(level: 'info' | 'warn', event: string, message: string, cause?: unknown): void {
  const reason = cause === undefined ? '' : ` (${toFailure(cause).message})`;
  post({ event: { level, event, message: `${message}${reason}` } });
}

function toFailure(cause: unknown): BooksFailure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code: cause instanceof GateError ? cause.code : undefined, message };
}

function post(answer: BooksAnswer): void {
  self.postMessage(answer);
}
