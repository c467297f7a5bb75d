import { GateError } from '../core/error.ts';
import type { BooksAnswer } from './books-message.ts';
import { type Database, openSqlite } from './sqlite.ts';

/** So many faults are told; the first says enough. */
const MAX_FAULTS = 20;

/** What SQLite finds of damaged pages and indexes, a sentence each. Reads the whole file. */
export function checkPages(db: Database): string[] {
  const found = db.pragma(`integrity_check(${MAX_FAULTS})`) as { integrity_check: string }[];
  return found
    .filter(({ integrity_check: line }) => line !== 'ok')
    .map(({ integrity_check: line }) => `The database is damaged: ${line.split('\n').at(-1)}.`);
}

/** The same over a connection of its own. */
export function checkPagesOf(databasePath: string, busyTimeoutMs: number): string[] {
  const db = openSqlite(databasePath, { busyTimeoutMs, mustExist: true });
  try {
    return checkPages(db);
  } finally {
    db.close();
  }
}

export interface PageCheck {
  /** Rejects with `store_unavailable` when the thread dies or is stopped. */
  readonly faults: Promise<string[]>;
  stop(): void;
}

/**
 * Runs the check on a thread of its own, which `url` is the program of: it is one statement that
 * takes a minute for 100 M requests, in which the books could do nothing else.
 */
export function startPageCheck(url: string, databasePath: string): PageCheck {
  const worker = new Worker(url, { name: 'llmgate pages', smol: true });
  worker.unref();
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const fail = (reason: string): void => {
    const cause = new Error(reason);
    reject(new GateError('store_unavailable', 'The pages could not be checked.', { cause }));
  };
  worker.addEventListener('message', ({ data }: MessageEvent<BooksAnswer>) => {
    if ('value' in data) resolve(data.value as string[]);
    else if ('failure' in data) fail(data.failure.message);
  });
  worker.addEventListener('error', (event) => fail(event.message));
  worker.addEventListener('close', () => fail('the thread ended'));
  worker.postMessage({ id: 0, op: 'pages', databasePath });
  return {
    faults: promise.finally(() => worker.terminate()),
    stop() {
      worker.terminate();
      fail('the check was ended');
    },
  };
}
