import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientLab, openClientLab } from '../../../support/client-lab.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
});

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** Everything a client may say about an aborted request: nothing. */
async function expectSilence(reader: { endings: number }): Promise<void> {
  await lab.settled();
  expect(reader.endings).toBe(0);
  expect(lab.client.stats()).toMatchObject([{ open: 0, idle: 0 }]);
}

describe('abort() closes at once, seen by the backend, silent for the reader', () => {
  test('while connecting', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url);
    sending.abort();
    const peer = await backend.next();
    expect(await peer.gone).toBe('reset');
    expect(peer.received).toBe('');
    await expectSilence(reader);
  });

  test('while connecting to nobody', async () => {
    const backend = await lab.backend();
    await backend.close();
    const { reader, sending } = lab.send(backend.url);
    sending.abort();
    expect(lab.client.stats()).toMatchObject([{ open: 1, abandoned: 1 }]);
    await lab.until(() => lab.client.stats()[0]?.open === 0);
    expect(lab.client.stats()).toMatchObject([{ abandoned: 0, failures: { refused: 0 } }]);
    await expectSilence(reader);
  });

  test('while the body is being written', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url, { method: 'POST', body: Buffer.alloc(3e7) });
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.pause();
    sending.abort();
    peer.resume();
    expect(await peer.gone).toBe('reset');
    await expectSilence(reader);
  });

  test.each([
    ['before the first byte', ''],
    ['in the head', 'HTTP/1.1 200 OK\r\n'],
    ['in the body', `${HEAD}some`],
  ])('%s', async (_when, bytes) => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write(bytes);
    if (bytes.endsWith('some')) await reader.bytes(4);
    const startMs = performance.now();
    sending.abort();
    sending.abort();
    expect(await peer.gone).toBe('reset');
    expect(performance.now() - startMs).toBeLessThan(100);
    await expectSilence(reader);
  });

  test('while paused, with bytes waiting unread', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url, { hooks: { onData: () => sending.pause() } });
    const peer = await backend.next();
    peer.write(`${HEAD}${'x'.repeat(1_000_000)}`);
    await reader.bytes(1);
    sending.abort();
    expect(await peer.gone).toBe('reset');
    await expectSilence(reader);
  });

  test.each(['onHead', 'onData'] as const)(
    'from %s, with more in the same piece',
    async (where) => {
      const backend = await lab.backend();
      const hooks = { [where]: () => sending.abort() };
      const { reader, sending } = lab.send(backend.url, { hooks });
      const peer = await backend.next();
      peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n');
      expect(await peer.gone).toBe('reset');
      expect(reader.sizeBytes).toBe(where === 'onHead' ? 0 : 1);
      await expectSilence(reader);
    },
  );

  test('a refusal on its way is called off too', async () => {
    await lab.close();
    lab = openClientLab({ maxConnectionsPerOrigin: 0 });
    const { reader, sending } = lab.send('http://127.0.0.1:9');
    sending.abort();
    await expectSilence(reader);
  });
});

test('abort() after the end does not touch the next request on the connection', async () => {
  const backend = await lab.backend();
  const first = lab.send(backend.url);
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  peer.write(OK);
  await first.reader.ending;
  const second = lab.send(backend.url, { path: '/second' });
  first.sending.abort();
  first.sending.pause();
  first.sending.resume();
  await peer.expect('/second');
  peer.write(OK);
  expect(await second.reader.ending).toEqual({ kind: 'end', closeDelimited: false });
});

describe('pause() and resume()', () => {
  test('a paused reply is held back by the backend, not in memory', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write(HEAD);
    await reader.head;
    sending.pause();
    const block = Buffer.alloc(1_000_000, 'x');
    for (let count = 0; count < 64; count++) peer.write(block);
    await peer.stuck();
    await lab.settled();
    // One read may have been under way; the rest waits in the buffers of the system.
    expect(reader.sizeBytes).toBeLessThanOrEqual(1_000_000);
    sending.resume();
    await reader.bytes(64_000_000);
    sending.abort();
  });

  test.runIf(process.platform === 'linux')(
    'of an event stream the system keeps little, and what is read at once is little',
    async () => {
      const backend = await lab.backend();
      const pieces: number[] = [];
      const hooks = { onData: (bytes: Uint8Array) => void pieces.push(bytes.length) };
      const { reader, sending } = lab.send(backend.url, { hooks });
      const peer = await backend.next();
      await peer.expect('\r\n\r\n');
      peer.write(HEAD.replace('\r\n', '\r\ncontent-type: text/event-stream; charset=utf-8\r\n'));
      await reader.head;
      sending.pause();
      const block = Buffer.alloc(1_000_000, 'x');
      for (let count = 0; count < 64; count++) peer.write(block);
      await peer.stuck();
      await lab.settled();
      sending.resume();
      await reader.bytes(64_000_000);
      sending.abort();
      expect(Math.max(...pieces)).toBeLessThanOrEqual(131_072);
    },
  );

  test('what was read before is delivered in order, the end included', async () => {
    const backend = await lab.backend();
    const hooks = { onData: () => sending.pause() };
    const { reader, sending } = lab.send(backend.url, { hooks });
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
    expect(await reader.ending).toEqual({ kind: 'end', closeDelimited: false });
    expect(reader.body.toString()).toBe('abc');
    // The connection reads again for the next request.
    const second = lab.send(backend.url);
    expect(second.sending.reusedConnection).toBe(true);
    await peer.expect('\r\n\r\n');
    peer.write(OK);
    expect(await second.reader.ending).toEqual({ kind: 'end', closeDelimited: false });
  });

  test('paused before the connection is open, it reads nothing until resumed', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url);
    sending.pause();
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi');
    await lab.settled();
    expect(reader.sizeBytes).toBe(0);
    sending.resume();
    expect(await reader.ending).toEqual({ kind: 'end', closeDelimited: false });
  });

  test('a FIN behind unread bytes comes after them', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write('HTTP/1.1 200 OK\r\n\r\n');
    await reader.head;
    sending.pause();
    peer.write('x'.repeat(300_000));
    peer.end();
    await lab.settled();
    expect(reader.endings).toBe(0);
    sending.resume();
    expect(await reader.ending).toEqual({ kind: 'end', closeDelimited: true });
    expect(reader.sizeBytes).toBe(300_000);
  });

  test('a RST is noticed while paused', async () => {
    const backend = await lab.backend();
    const { reader, sending } = lab.send(backend.url);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write(HEAD);
    await reader.head;
    sending.pause();
    peer.reset();
    expect(await reader.ending).toMatchObject({
      failure: { stage: 'broken_midway', cause: 'reset' },
    });
  });
});
