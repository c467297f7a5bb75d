import { GateError } from '../../core/error.ts';
import { StoreError } from '../store-error.ts';
import type { StoreLog } from '../store-event.ts';
import type {
  ContentAnswer,
  ContentAsk,
  ContentFailure,
  ContentQuestion,
  DeskOptions,
} from './content-message.ts';

/** A thread that dies over and over is started no more often than this. */
const RESTART_AFTER_MS = 10_000;

/** Longest wait for the last commits at the end of the process. */
const CLOSE_WITHIN_MS = 5_000;

export interface ContentThreadOptions {
  readonly desk: DeskOptions;
  readonly log: StoreLog;
  /** Told when the thread has died, and when it works again. */
  readonly onChange: (state: 'lost' | 'started') => void;
  /** Another program in the worker's place, and a shorter wait for it: for tests. */
  readonly url?: string | undefined;
  readonly restartAfterMs?: number | undefined;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** The content database on a thread of its own. A thread that died is started again. */
export class ContentThread {
  readonly #options: ContentThreadOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** Resolves when the first thread has opened the database; rejects with what it cannot use. */
  readonly started: Promise<void>;
  #worker: Worker | undefined;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #hasStarted = false;
  #isClosed = false;
  #lastId = 0;
  #restarts = 0;

  constructor(options: ContentThreadOptions) {
    this.#options = options;
    this.started = this.#start();
  }

  /** How often the thread died and was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Resolves when the thread has answered, however long that takes; rejects when it cannot do it
   * or has died. `give` is handed over and must not be used again.
   */
  ask<T>(question: ContentQuestion, give: readonly ArrayBuffer[] = []): Promise<T> {
    return this.#send<T>(question, give);
  }

  /** Lets the thread finish what it was given, then ends it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#restartTimer);
    if (this.#worker === undefined) return;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = setTimeout(giveUp, CLOSE_WITHIN_MS);
    await Promise.race([this.#send({ op: 'close' }).catch(() => {}), late]);
    clearTimeout(deadline);
    this.#end();
  }

  async #start(): Promise<void> {
    // The build lists the worker as an entrypoint, with a flat name: so in a compiled binary, where
    // every module lies at the root, this address is right too.
    const url = this.#options.url ?? new URL('./content-worker.ts', import.meta.url).href;
    const worker = new Worker(url, { name: 'llmgate content', smol: true });
    // The process ends when its other work does; close() waits for the thread by itself.
    worker.unref();
    worker.addEventListener('message', (event) => this.#receive(event.data));
    worker.addEventListener('error', (event) => this.#lose(worker, event.message));
    worker.addEventListener('close', () => this.#lose(worker, 'it ended'));
    this.#worker = worker;
    try {
      await this.#send({ op: 'start', options: this.#options.desk });
    } catch (cause) {
      // The first start is its caller's to judge.
      if (!this.#hasStarted) this.#end();
      else this.#lose(worker, cause instanceof Error ? cause.message : String(cause));
      throw cause;
    }
    this.#hasStarted = true;
    this.#options.onChange('started');
  }

  #send<T>(ask: Unnumbered<ContentAsk>, give: readonly ArrayBuffer[] = []): Promise<T> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.reject(lost());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ ...ask, id }, [...give]);
    });
  }

  #receive(answer: ContentAnswer): void {
    if ('event' in answer) return this.#options.log(answer.event);
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    if ('failure' in answer) waiting.reject(toError(answer.failure));
    // The worker answers each question with the type that the question names.
    else waiting.resolve(answer.value as never);
  }

  #lose(worker: Worker, reason: string): void {
    if (worker !== this.#worker || this.#isClosed) return;
    this.#end();
    const waitMs = this.#options.restartAfterMs ?? RESTART_AFTER_MS;
    this.#options.log({
      level: 'error',
      event: 'content_worker_died',
      message: `The content worker died (${reason}); it starts again in ${waitMs / 1_000} s.`,
    });
    this.#options.onChange('lost');
    this.#restartTimer = setTimeout(() => {
      this.#restarts += 1;
      // What it cannot do is logged where it is lost again.
      this.#start().catch(() => {});
    }, waitMs);
    this.#restartTimer.unref();
  }

  #end(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(lost());
  }
}

function lost(): GateError {
  return new GateError('store_unavailable', 'The content database is not open.');
}

function toError({ isStoreError, message }: ContentFailure): Error {
  if (isStoreError) return new StoreError(message);
  const cause = new Error(message);
  return new GateError('store_unavailable', 'The content database cannot be used now.', { cause });
}
