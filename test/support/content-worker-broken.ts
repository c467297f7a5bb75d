import type { ContentAsk } from '../../src/store/content/content-message.ts';

// A content worker that does what the prompt of the captured request says: dies of `die`, fails to
// write `fail` and is silent about `wait` until it is asked to find something; about `wait in vain` too,
// and then it cannot write it, nor what comes after. Everything else it answers at once. It cannot write at all from `full` on until it is asked to forget something.

declare const self: Worker;

const REFERENCE = new Uint8Array(32).fill(1);
let waiting: number[] = [];
let inVain: number[] = [];
let isFull = false;

self.onmessage = (event: MessageEvent<ContentAsk>) => {
  const ask = event.data;
  const fail = () =>
    self.postMessage({ id: ask.id, failure: { isStoreError: false, message: 'disk is full' } });
  if (ask.op === 'find') {
    for (const id of waiting) self.postMessage({ id, value: REFERENCE });
    waiting = [];
    for (const id of inVain) {
      self.postMessage({ id, failure: { isStoreError: false, message: 'disk is full' } });
      isFull = true;
    }
    inVain = [];
  }
  if (ask.op === 'forget') isFull = false;
  if (ask.op === 'probe' && isFull) return fail();
  if (ask.op !== 'keep') return self.postMessage({ id: ask.id, value: { kind: 'none' } });
  const prompt = Buffer.from(ask.content.request.bytes).toString();
  if (prompt === 'die') throw new Error('out of luck');
  if (prompt === 'full') isFull = true;
  if (prompt === 'fail' || isFull) return fail();
  if (prompt === 'wait') waiting.push(ask.id);
  else if (prompt === 'wait in vain') inVain.push(ask.id);
  else self.postMessage({ id: ask.id, value: REFERENCE });
};
