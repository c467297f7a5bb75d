import { ERRORS, type ErrorCode, GateError } from '../core/error.ts';
import type { BooksAnswer, BooksAsk, BooksFailure } from './books-message.ts';
import type { ChainReader } from './chain-rows.ts';
import type { RequestSearch } from './find-request.ts';
import { type PageCheck, startPageCheck } from './page-check.ts';
import type { PurgeOrder, PurgeResult } from './retention.ts';
import type { AuditBooks, Books, LedgerCheck, LedgerRebuild, Spend } from './store.ts';
import type { StoreLog } from './store-event.ts';
import type { UsageReport } from './usage-report.ts';
import { verifyAudit } from './verify-audit.ts';

/** Reports asked for at once. Past it the next is refused, so that nothing piles up. */
const MAX_ASKED = 32;

const DEADLINES_MS = {
  start: 30_000,
  usage: 30_000,
  spend: 600_000,
  check: 3_600_000,
  rebuild: 3_600_000,
  purge: 3_600_000,
  audit_page: 30_000,
  audit_entry: 30_000,
  request: 30_000,
  chain_heads: 30_000,
  chain_rows: 30_000,
  held: 200,
  close: 5_000,
} as const;

/** A worker that dies over and over is started no more often than this. */
const RESTART_AFTER_MS = 10_000;

/** Whose commits can be held back while the log is brought to its end. */
export interface HeldWriter {
  hold(): void;
  release(): void;
}

export interface BooksWorkerOptions {
  readonly databasePath: string;
  readonly log: StoreLog;
  readonly writer: HeldWriter;
  /** Another program in the worker's place, and shorter waits for it and its reports: for tests. */
  readonly url?: string;
  readonly restartAfterMs?: number;
  readonly deadlineMs?: number;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: ReturnType<typeof setTimeout>;
}

type Question =
  Exclude<BooksAsk, { readonly op: 'pages' }> extends infer Ask
    ? Ask extends unknown
      ? Omit<Ask, 'id'>
      : never
    : never;

/** The books on a thread of their own. A thread that died is started again and its asks fail. */
export class BooksWorker implements Books {
  readonly #options: BooksWorkerOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #pageChecks = new Set<PageCheck>();
  #worker: Worker | undefined;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #lastId = 0;
  #restarts = 0;

  constructor(options: BooksWorkerOptions) {
    this.#options = options;
    this.#start();
  }

  usage(query: Parameters<Books['usage']>[0]): Promise<UsageReport> {
    return this.#ask({ op: 'usage', query });
  }

  spend(sinceMs: number): Promise<Spend[]> {
    return this.#ask({ op: 'spend', sinceMs });
  }

  async check(): Promise<LedgerCheck> {
    const pages = startPageCheck(this.#url, this.#options.databasePath);
    this.#pageChecks.add(pages);
    try {
      const [found, faults] = await Promise.all([
        this.#ask<LedgerCheck>({ op: 'check' }),
        pages.faults,
      ]);
      return { ...found, problems: [...faults, ...found.problems] };
    } finally {
      pages.stop();
      this.#pageChecks.delete(pages);
    }
  }

  rebuild(): Promise<LedgerRebuild> {
    return this.#ask({ op: 'rebuild' });
  }

  purge(order: PurgeOrder): Promise<PurgeResult> {
    return this.#ask({ op: 'purge', order });
  }

  findRequest(beginning: string): Promise<RequestSearch> {
    return this.#ask({ op: 'request', beginning });
  }

  /** The chains as they are exported, read on the thread. */
  readonly chains: ChainReader = {
    heads: () => this.#ask({ op: 'chain_heads' }),
    read: (chain, afterSeq, limit) => this.#ask({ op: 'chain_rows', chain, afterSeq, limit }),
  };

  readonly audit: AuditBooks = {
    page: (query) => this.#ask({ op: 'audit_page', query }),
    entry: (ref) => this.#ask({ op: 'audit_entry', ref }),
    verify: (order) => verifyAudit({ ...order, databasePath: this.#options.databasePath }),
  };

  /** How often the thread died and was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Empties the log and ends the thread; gives up on a thread that does not answer. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#restartTimer);
    for (const check of this.#pageChecks) check.stop();
    const worker = this.#worker;
    if (worker === undefined) return;
    await this.#ask<void>({ op: 'close' }).catch((cause: unknown) => {
      const message = 'The books worker did not end by itself.';
      this.#options.log({ level: 'warn', event: 'books_worker_stuck', message, cause });
    });
    this.#worker = undefined;
    worker.terminate();
    this.#failAll(new GateError('store_unavailable', 'The books are closed.'));
  }

  get #url(): string {
    // The build lists the worker as an entrypoint, with a flat name: so in a compiled binary, where
    // every module lies at the root, this address is right too.
    return this.#options.url ?? new URL('./books-worker.ts', import.meta.url).href;
  }

  #start(): void {
    const worker = new Worker(this.#url, { name: 'llmgate books', smol: true });
    // The process ends when its other work does; close() waits for the thread by itself.
    worker.unref();
    worker.addEventListener('message', (event) => this.#receive(event.data));
    worker.addEventListener('error', (event) => this.#lose(worker, event.message));
    worker.addEventListener('close', () => this.#lose(worker, 'it ended'));
    this.#worker = worker;
    this.#ask({ op: 'start', databasePath: this.#options.databasePath }).catch((cause) => {
      if (worker === this.#worker) this.#lose(worker, String(cause));
    });
  }

  #ask<T>(question: Question): Promise<T> {
    const worker = this.#worker;
    if (worker === undefined) {
      return Promise.reject(new GateError('store_unavailable', 'The books worker is not running.'));
    }
    if (this.#waiting.size >= MAX_ASKED && question.op !== 'close') {
      return Promise.reject(new GateError('overloaded', 'Too many reports are being made.'));
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const isReport = question.op === 'usage' || question.op === 'spend' || question.op === 'check';
    const waitMs = (isReport && this.#options.deadlineMs) || DEADLINES_MS[question.op];
    return new Promise<T>((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.#waiting.delete(id);
        const message = `The books gave no answer to ${question.op} in ${waitMs / 1_000} s.`;
        reject(new GateError('store_unavailable', message));
      }, waitMs);
      this.#waiting.set(id, { resolve, reject, deadline });
      worker.postMessage({ ...question, id });
    });
  }

  #receive(answer: BooksAnswer): void {
    if ('event' in answer) return this.#options.log(answer.event);
    if ('wants' in answer) return this.#holdWriter();
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.deadline);
    if ('failure' in answer) waiting.reject(toError(answer.failure));
    // The worker answers each question with the type of its own method.
    else waiting.resolve(answer.value as never);
  }

  #holdWriter(): void {
    const { writer } = this.#options;
    writer.hold();
    // Whatever comes of it, and at its deadline at the latest, the ledger goes on.
    this.#ask({ op: 'held' })
      .catch(() => {})
      .finally(() => writer.release());
  }

  #lose(worker: Worker, reason: string): void {
    if (worker !== this.#worker || this.#isClosed) return;
    this.#worker = undefined;
    worker.terminate();
    this.#failAll(new GateError('store_unavailable', 'The books worker died.'));
    const waitMs = this.#options.restartAfterMs ?? RESTART_AFTER_MS;
    this.#options.log({
      level: 'error',
      event: 'books_worker_died',
      message: `The books worker died (${reason}); it starts again in ${waitMs / 1_000} s.`,
    });
    this.#restartTimer = setTimeout(() => {
      this.#restarts += 1;
      this.#start();
      const message = 'The books worker was started again.';
      this.#options.log({ level: 'info', event: 'books_worker_restarted', message });
    }, waitMs);
    this.#restartTimer.unref();
  }

  #failAll(error: GateError): void {
    for (const { reject, deadline } of this.#waiting.values()) {
      clearTimeout(deadline);
      reject(error);
    }
    this.#waiting.clear();
  }
}

function toError({ code, message }: BooksFailure): GateError {
  const known = code !== undefined && Object.hasOwn(ERRORS, code);
  if (known) return new GateError(code as ErrorCode, message);
  const cause = new Error(message);
  return new GateError('store_unavailable', 'The books could not be read.', { cause });
}
