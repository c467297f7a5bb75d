import { type Database, openSqlite } from './sqlite.ts';
import type { VerifyAnswer, VerifyAsk } from './verify-message.ts';
import { survey } from './verify-survey.ts';
import { type ChainWalker, openChainWalker } from './verify-walk.ts';

// A thread of a verification: reads a stretch of a chain, hashes it, says what it found.

declare const self: Worker;

/** Longer than the writer ever holds the lock. */
const BUSY_TIMEOUT_MS = 5_000;

let db: Database | undefined;
let walker: ChainWalker | undefined;

self.onmessage = (event: MessageEvent<VerifyAsk>) => {
  const ask = event.data;
  try {
    post({ id: ask.id, value: answer(ask) });
  } catch (cause) {
    post({ id: ask.id, failure: cause instanceof Error ? cause.message : String(cause) });
  }
};

function answer(ask: VerifyAsk): unknown {
  if (ask.op === 'open') return open(ask.databasePath);
  if (db === undefined || walker === undefined) throw new Error('the database is not open');
  return ask.op === 'survey' ? survey(db, ask) : walker.walk(ask);
}

function open(path: string): void {
  const opened = openSqlite(path, {
    busyTimeoutMs: BUSY_TIMEOUT_MS,
    mustExist: true,
    readonly: true,
  });
  // Rows are read once; what is worth keeping are the dictionaries.
  opened.pragma('cache_size = -8000');
  walker = openChainWalker(opened);
  db = opened;
}

function post(answer: VerifyAnswer): void {
  self.postMessage(answer);
}
