import type { BooksAsk } from '../../src/store/books-message.ts';

// A books worker that misbehaves as asked: it dies on `check`, is silent on `usage`, and answers
// everything else.

declare const self: Worker;

self.onmessage = (event: MessageEvent<BooksAsk>) => {
  const { id, op } = event.data;
  if (op === 'check') throw new Error('out of luck');
  if (op !== 'usage') self.postMessage({ id, value: [] });
};
