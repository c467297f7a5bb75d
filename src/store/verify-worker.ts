import type { Database } from './sqlite.ts';
import type { VerifyAnswer, VerifyAsk } from './verify-message.ts';
import { openForVerification } from './verify-open.ts';
import { survey } from './verify-survey.ts';
import { type ChainWalker, openChainWalker } from './verify-walk.ts';

// A thread of a verification: reads a stretch of a chain, hashes it, says what it found.

declare const self: Worker;

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
  db = openForVerification(path);
  walker = openChainWalker(db);
}

function post(answer: VerifyAnswer): void {
  self.postMessage(answer);
}
