import { describe, expect, test } from 'vitest';
import { type ByteSink, RequestWriter } from '../../../../src/backends/http1/request-writer.ts';

/** Takes as many bytes per write as it is told, then nothing until asked again. */
function createSink(takes: readonly number[]) {
  const waiting = [...takes];
  const sink = {
    received: '',
    writes: 0,
    readyState: 1,
    write(bytes: Uint8Array, offset: number, length: number) {
      sink.writes++;
      const count = Math.min(waiting.shift() ?? Number.POSITIVE_INFINITY, length);
      if (count < 0) {
        sink.readyState = -1;
        return -1;
      }
      sink.received += Buffer.from(bytes).toString('latin1', offset, offset + count);
      return count;
    },
  } satisfies ByteSink & Record<string, unknown>;
  return sink;
}

const HEAD = 'POST / HTTP/1.1\r\nx-note: caf\u00e9\r\n\r\n';

describe('however little the socket takes at a time, the request arrives whole', () => {
  const bodies = [null, 0, 1, 1_000, 32_000, 33_000, 100_000];
  const patterns = [
    [],
    [0],
    [5],
    [5, 5, 0, 5],
    [HEAD.length],
    [HEAD.length + 1, 0, 70],
    [32_767, 1],
  ];
  const cases = bodies.flatMap((size) => patterns.map((takes) => ({ size, takes })));

  test.each(cases)('body of $size bytes, takes $takes', ({ size, takes }) => {
    const body = size === null ? null : Buffer.alloc(size, 'abcdefg');
    const sink = createSink(takes);
    const writer = new RequestWriter();
    expect(writer.begin(sink, HEAD, body)).toBe(true);
    // What one socket has not taken must survive another socket's request.
    new RequestWriter().begin(createSink([]), 'GET /other HTTP/1.1\r\n\r\n', null);
    for (let drains = 0; drains < 10 && !writer.finished; drains++) writer.flush(sink);
    expect(writer.finished).toBe(true);
    expect(sink.received === HEAD + (body?.toString('latin1') ?? '')).toBe(true);
  });

  test('a head beyond one write', () => {
    const head = `GET / HTTP/1.1\r\nx-big: ${'y'.repeat(40_000)}\r\n\r\n`;
    const sink = createSink([10, 0, 30_000]);
    const writer = new RequestWriter();
    expect(writer.begin(sink, head, Buffer.from('body'))).toBe(true);
    while (!writer.finished) writer.flush(sink);
    expect(sink.received === `${head}body`).toBe(true);
  });
});

test('a small request is one write', () => {
  const sink = createSink([]);
  new RequestWriter().begin(sink, HEAD, Buffer.alloc(30_000));
  expect(sink.writes).toBe(1);
});

describe('whether the backend can have seen any of it', () => {
  test.each([
    ['dead at the first write', [-1], 100, false, false],
    ['dead at the first write, large body', [-1], 100_000, false, false],
    ['full at the first write, then dead', [0, -1], 100, true, false],
    ['full, then dead, large body', [0, -1], 100_000, true, false],
    ['one byte, then dead', [1, -1], 100_000, true, true],
    ['all', [], 100, true, true],
  ])('%s', (_name, takes, size, accepted, begun) => {
    const sink = createSink(takes);
    const writer = new RequestWriter();
    expect(writer.begin(sink, HEAD, Buffer.alloc(size))).toBe(accepted);
    if (!writer.finished && sink.readyState > 0) writer.flush(sink);
    expect(writer.begun).toBe(begun);
  });
});

test('a second request starts afresh', () => {
  const writer = new RequestWriter();
  writer.begin(createSink([3, 0]), HEAD, Buffer.alloc(100_000));
  writer.drop();
  expect(writer.finished).toBe(true);
  const sink = createSink([0]);
  writer.begin(sink, 'GET / HTTP/1.1\r\n\r\n', null);
  expect(writer.begun).toBe(false);
  writer.flush(sink);
  expect(sink.received).toBe('GET / HTTP/1.1\r\n\r\n');
});
