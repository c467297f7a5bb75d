import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { type HttpDelivery, sendHttp } from '../../../src/sinks/send-http.ts';
import { SinkFailure } from '../../../src/sinks/sink-failure.ts';
import { createFakeTime } from '../../support/fake-time.ts';
import { neverAnswer, startHttpReceiver } from '../../support/http-receiver.ts';
import { startRawBackend } from '../../support/raw-backend.ts';

const PATH = '/hooks/T0-very-secret';

function toDelivery(url: string): HttpDelivery {
  return {
    method: 'POST',
    url: `${url}${PATH}`,
    headers: { 'x-test': 'yes' },
    body: '{"a":"é"}',
  };
}

async function send(url: string, time = createFakeTime(), signal = new AbortController().signal) {
  return sendHttp(toDelivery(url), time, signal).then(
    () => 'sent' as const,
    (cause: unknown) => {
      expect(cause).toBeInstanceOf(SinkFailure);
      const failure = cause as SinkFailure;
      expect(failure.message).not.toContain('secret');
      return failure;
    },
  );
}

async function startRaw() {
  const backend = await startRawBackend();
  onTestFinished(() => backend.close());
  return backend;
}

test('sends what it was given, once', async () => {
  await using receiver = startHttpReceiver();
  expect(await send(receiver.url)).toBe('sent');
  expect(receiver.requests).toHaveLength(1);
  expect(receiver.requests[0]).toMatchObject({ method: 'POST', path: PATH, body: '{"a":"é"}' });
  expect(receiver.requests[0]?.headers.get('x-test')).toBe('yes');
});

test.each([
  [400, 'rejected'],
  [401, 'rejected'],
  [404, 'rejected'],
  [408, 'unreachable'],
  [413, 'batch_too_large'],
  [429, 'unreachable'],
  [500, 'unreachable'],
  [503, 'unreachable'],
])('HTTP %i is %s', async (status, kind) => {
  await using receiver = startHttpReceiver();
  receiver.answerWith(() => new Response('no', { status, headers: { 'retry-after': '17' } }));
  const failure = await send(receiver.url);
  expect(failure).toMatchObject({ kind, retryAfterMs: 17_000, message: `answered HTTP ${status}` });
});

test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
  await using target = startHttpReceiver();
  await using receiver = startHttpReceiver();
  receiver.answerWith(() => new Response(null, { status, headers: { location: target.url } }));
  expect(await send(receiver.url)).toMatchObject({
    message: `answered HTTP ${status}, a redirect, which is not followed`,
  });
  expect(target.requests).toHaveLength(0);
});

test.each(['file:///etc', 'data:text/plain,x', 's3://bucket', 'ftp://127.0.0.1'])(
  '%s is not sent to',
  async (url) => {
    expect(await send(url)).toMatchObject({ message: 'the address is not http or https' });
  },
);

test('nobody listens', async () => {
  const backend = await startRawBackend();
  await backend.close();
  expect(await send(backend.url)).toMatchObject({
    kind: 'unreachable',
    message: 'POST failed (ECONNREFUSED)',
  });
});

test('reset midway', async () => {
  const backend = await startRaw();
  const sending = send(backend.url);
  const connection = await backend.next();
  await connection.expect('{"a":');
  connection.reset();
  expect(await sending).toMatchObject({ message: 'POST failed (ECONNRESET)' });
});

test('an answer that is no HTTP', async () => {
  const backend = await startRaw();
  const sending = send(backend.url);
  const connection = await backend.next();
  await connection.expect('{"a":');
  connection.write('220 mail.example.com ESMTP\r\n\r\n');
  connection.end();
  expect(await sending).toMatchObject({ kind: 'unreachable' });
});

test('silence ends at the deadline', async () => {
  const time = createFakeTime();
  await using receiver = startHttpReceiver();
  receiver.answerWith(neverAnswer);
  const sending = send(receiver.url, time);
  await receiver.received(1);
  await time.advance(29_999);
  expect(time.pending()).toEqual([1]);
  await time.advance(1);
  expect(await sending).toMatchObject({ message: 'no answer in 30 s' });
  expect(time.pending()).toEqual([]);
});

test('whoever asked can call it off', async () => {
  const time = createFakeTime();
  const stop = new AbortController();
  await using receiver = startHttpReceiver();
  receiver.answerWith(neverAnswer);
  const sending = send(receiver.url, time, stop.signal);
  await receiver.received(1);
  stop.abort();
  expect(await sending).toBeInstanceOf(SinkFailure);
  expect(time.pending()).toEqual([]);
  expect(await send(receiver.url, time, stop.signal)).toBeInstanceOf(SinkFailure);
  expect(receiver.requests).toHaveLength(1);
});

test('an answer without end is cut; its status counts', async () => {
  const { promise: wasCut, resolve: cut } = Promise.withResolvers<void>();
  let sentBytes = 0;
  await using receiver = startHttpReceiver();
  receiver.answerWith(() => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sentBytes += 8_192;
        controller.enqueue(new Uint8Array(8_192));
      },
      cancel: () => cut(),
    });
    return new Response(body);
  });
  expect(await send(receiver.url)).toBe('sent');
  await wasCut;
  expect(sentBytes).toBeGreaterThan(65_536);
});

test('an answer that stalls is left after a second; its status counts', async () => {
  const time = createFakeTime();
  await using receiver = startHttpReceiver();
  const stall = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(new Uint8Array(9)) });
  receiver.answerWith(() => new Response(stall));
  const sending = send(receiver.url, time);
  await time.armed(1_000);
  await time.advance(1_000);
  expect(await sending).toBe('sent');
});

test('a small answer that would unfold into a large one is not unfolded', async () => {
  const bomb = gzipSync(new Uint8Array(100_000_000));
  await using receiver = startHttpReceiver();
  receiver.answerWith(() => new Response(bomb, { headers: { 'content-encoding': 'gzip' } }));
  const before = process.memoryUsage().rss;
  expect(await send(receiver.url)).toBe('sent');
  expect(process.memoryUsage().rss - before).toBeLessThan(20_000_000);
});
