import { describe, expect, test } from 'vitest';
import { type Progress, ReplyParser } from '../../../../src/backends/http1/reply-parser.ts';
import { createRecordingReader } from '../../../support/recording-reader.ts';
import { REPLY_CASES, type ReplyCase } from '../../../support/reply-cases.ts';

/** Feeds the pieces and says what was understood, in the words of the cases. */
function read(reply: ReplyCase, pieces: readonly string[], parser = new ReplyParser()): string {
  let status = '-';
  const reader = createRecordingReader({
    onHead(head) {
      status = String(head.status);
    },
  });
  parser.begin(reply.toHead === true);
  let progress: Progress = 'more';
  let excess = false;
  for (const piece of pieces) {
    if (progress === 'done') excess = true;
    // A copy: the parser may move chunks together inside what it is given.
    if (progress === 'more') progress = parser.feed(Buffer.from(piece, 'latin1'), reader);
  }
  let ending: string = progress === 'more' ? 'waiting' : progress;
  if (progress === 'done' && (excess || !parser.keepAlive)) ending = 'done+close';
  if (progress === 'more' && reply.fin === true) {
    ending = parser.finish() === 'done' ? 'done_by_close' : 'broken';
  }
  if (ending === 'broken') expect(parser.problem).not.toBe('');
  expect(reader.violations).toEqual([]);
  return `${status} body=${reader.body.toString('latin1')} ${ending}`;
}

describe.each(REPLY_CASES)('$name', (reply) => {
  const { bytes, expected } = reply;

  test('in one piece', () => {
    expect(read(reply, bytes === '' ? [] : [bytes])).toBe(expected);
  });

  test('again on the same connection', () => {
    const parser = new ReplyParser();
    const pieces = bytes === '' ? [] : [bytes];
    expect([read(reply, pieces, parser), read(reply, pieces, parser)]).toEqual([
      expected,
      expected,
    ]);
  });

  test('byte by byte', () => {
    expect(read(reply, [...bytes])).toBe(expected);
  });

  test('cut in two anywhere', () => {
    const step = bytes.length > 2_000 ? 997 : 1;
    for (let at = 1; at < bytes.length; at += step) {
      expect(`cut at ${at}: ${read(reply, [bytes.slice(0, at), bytes.slice(at)])}`).toBe(
        `cut at ${at}: ${expected}`,
      );
    }
  });
});

test.each([
  [
    'more',
    'GET',
    'HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: 1\r\n\r\nhello, world',
    '200 12 hello, world',
  ],
  ['none', 'GET', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: 1\r\n\r\n', '200 0 '],
  ['to a HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: 1\r\n\r\n', '200 12 '],
])('the next reply of a connection has another length: %s', async (_, method, next, expected) => {
  const parser = new ReplyParser();
  parser.begin(method === 'HEAD');
  const first = `HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: 1\r\n\r\n${method === 'HEAD' ? '' : 'hello'}`;
  expect(parser.feed(Buffer.from(first), createRecordingReader())).toBe('done');
  const reader = createRecordingReader();
  parser.begin(method === 'HEAD');
  expect(parser.feed(Buffer.from(next), reader)).toBe('done');
  const { status, headers } = await reader.head;
  expect(`${status} ${headers.get('content-length')} ${reader.body}`).toBe(expected);
  expect(parser.keepAlive).toBe(true);
});

test('headers keep their order, lose their case and their surrounding blanks', async () => {
  const reader = createRecordingReader();
  const parser = new ReplyParser();
  parser.begin(false);
  const head = 'HTTP/1.1 429 No\r\nRetry-After:  7 \r\nX-A: 1\r\nx-a:2\r\nx-b:\t\xa0\t\r\n\r\n';
  parser.feed(Buffer.from(head, 'latin1'), reader);
  const { status, headers } = await reader.head;
  expect(status).toBe(429);
  expect(headers.entries).toEqual([
    ['retry-after', '7'],
    ['x-a', '1'],
    ['x-a', '2'],
    ['x-b', '\xa0'],
  ]);
  expect(headers.get('x-a')).toBe('1');
  expect(headers.get('X-A')).toBeUndefined();
  expect(headers.get('nothing')).toBeUndefined();
});

test.each([
  ['timeout=5', 5_000],
  ['timeout=5, max=100', 5_000],
  ['max=100, Timeout = "30"', 30_000],
  ['max=100', null],
  ['timeout=-1', null],
  ['x-timeout=9', null],
])('keep-alive: %s', (value, expected) => {
  const parser = new ReplyParser();
  parser.begin(false);
  const text = `HTTP/1.1 200 OK\r\nkeep-alive: ${value}\r\ncontent-length: 0\r\n\r\n`;
  expect(parser.feed(Buffer.from(text), createRecordingReader())).toBe('done');
  expect(parser.keepAliveMs).toBe(expected);
});

test('chunks that arrive together are handed on together; large ones without a copy', () => {
  const seen: Uint8Array[] = [];
  const parser = new ReplyParser();
  parser.begin(false);
  const large = 'o'.repeat(0x1000);
  const bytes = Buffer.from(
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nfoo\r\n1000\r\n${large}\r\n1\r\n`,
  );
  parser.feed(bytes, createRecordingReader({ onData: (data) => void seen.push(data) }));
  expect(seen.map((data) => Buffer.from(data).toString())).toEqual([`foo${large}`]);
  expect(seen[0]?.buffer).toBe(bytes.buffer);
});

test.each(['onHead', 'onData'] as const)('stopped by its reader in %s, it says no more', (when) => {
  const parser = new ReplyParser();
  const reader = createRecordingReader({ [when]: () => parser.stop() });
  parser.begin(false);
  // Neither the end nor the fault behind what was stopped at is reported.
  const after = when === 'onHead' ? '0\r\n\r\n' : 'fault';
  const text = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nfoo\r\n${after}`;
  expect(parser.feed(Buffer.from(text), reader)).toBe('more');
  expect(reader.sizeBytes).toBe(when === 'onHead' ? 0 : 3);
  expect(parser.feed(Buffer.from('more'), reader)).toBe('more');
});

test('bounds are per reply, not per connection', () => {
  const parser = new ReplyParser();
  const reply =
    'HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n' +
    `1;${'x'.repeat(100)}\r\na\r\n0\r\nx-trailer: ${'y'.repeat(100)}\r\n\r\n`;
  for (let count = 0; count < 300; count++) {
    parser.begin(false);
    expect(parser.feed(Buffer.from(reply), createRecordingReader())).toBe('done');
  }
});
