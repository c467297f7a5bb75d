import { systemRandom } from '../../core/clock.ts';
import { StoreError } from '../store-error.ts';
import { ContentDesk } from './content-desk.ts';
import type { CapturedContent, ContentAnswer, ContentAsk } from './content-message.ts';

// The thread of captured content: redaction, compression, encryption and the disk, so that the
// thread that serves requests does none of them. Content that arrives in one turn shares a commit.

declare const self: Worker;

interface Keeping {
  readonly id: number;
  readonly content: CapturedContent;
}

/** Bounds a transaction, and with it the wait of the first one in it. */
const COMMIT_MAX = 64;
const COMMIT_BYTES_MAX = 1024 * 1024;

let desk: ContentDesk | undefined;
let waiting: Keeping[] = [];
let waitingBytes = 0;
let isTidying = false;

self.onmessage = (event: MessageEvent<ContentAsk>) => {
  const ask = event.data;
  if (ask.op === 'keep') {
    const { request, answer } = ask.content;
    waiting.push(ask);
    waitingBytes += request.bytes.byteLength + answer.bytes.byteLength;
    if (waiting.length === 1) setImmediate(commit);
    if (waiting.length >= COMMIT_MAX || waitingBytes >= COMMIT_BYTES_MAX) commit();
    return;
  }
  // In the order in which things were asked.
  commit();
  try {
    post({ id: ask.id, value: answer(ask) });
  } catch (cause) {
    post({ id: ask.id, failure: toFailure(cause) });
  }
  // A purge comes by every few minutes, and so what failed before is tried again.
  if (ask.op === 'start' || ask.op === 'erase' || ask.op === 'expired') tidy();
};

function answer(ask: Exclude<ContentAsk, { readonly op: 'keep' }>): unknown {
  if (ask.op === 'start') {
    desk = new ContentDesk(ask.options, { random: systemRandom, log: (event) => post({ event }) });
    return;
  }
  if (desk === undefined) throw new Error('the content database is not open');
  if (ask.op !== 'close') return desk.answer(ask);
  desk.close();
  desk = undefined;
}

function commit(): void {
  const keeping = waiting;
  waiting = [];
  waitingBytes = 0;
  if (keeping.length === 0) return;
  const kept = desk?.keepAll(keeping.map(({ content }) => content)) ?? [];
  for (const [index, { id }] of keeping.entries()) {
    const result = kept[index] ?? new Error('the content database is not open');
    if (result instanceof Error) post({ id, failure: toFailure(result) });
    else post({ id, value: result });
  }
}

/** One step per turn, so that content that arrives meanwhile is not kept waiting. */
function tidy(): void {
  if (isTidying) return;
  isTidying = true;
  setImmediate(function step() {
    try {
      if (desk?.tidyStep() === true) return setImmediate(step);
    } catch (cause) {
      const message = `Erased content could not be removed yet (${toFailure(cause).message}).`;
      post({ event: { level: 'warn', event: 'content_tidy_failed', message } });
    }
    isTidying = false;
  });
}

function toFailure(cause: unknown) {
  const message = cause instanceof Error ? cause.message : String(cause);
  return { isStoreError: cause instanceof StoreError, message };
}

function post(answer: ContentAnswer): void {
  self.postMessage(answer);
}
