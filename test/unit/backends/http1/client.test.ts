import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../../support/client-lab.ts';
import { REPLY_CASES } from '../../../support/reply-cases.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
});

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const ENDED = { kind: 'end', closeDelimited: false };

function failed(stage: string, cause: string) {
  return { kind: 'failure', failure: { stage, cause, message: expect.any(String) } };
}

/** The counters of the only origin. */
function stats() {
  const [only, ...others] = lab.client.stats();
  expect(others).toEqual([]);
  return only;
}

describe('a request', () => {
  test('is written whole, and its reply read', async () => {
    const backend = await lab.backend();
    const body = Buffer.from('{"prompt":"é"}');
    const { reader, sending } = lab.send(`${backend.url}`, {
      method: 'POST',
      path: '/v1/completions?x=1',
      headers: [['authorization', 'Bearer abc']],
      body,
    });
    const peer = await backend.next();
    await peer.expect('"é"}'.replace('é', '\u00c3\u00a9'));
    expect(peer.received).toBe(
      `POST /v1/completions?x=1 HTTP/1.1\r\nhost: 127.0.0.1:${backend.port}\r\n` +
        `authorization: Bearer abc\r\ncontent-length: 15\r\n\r\n${body.toString('latin1')}`,
    );
    peer.write(OK);
    expect(await reader.ending).toEqual(ENDED);
    expect(reader.body.toString()).toBe('ok');
    expect(sending.reusedConnection).toBe(false);
  });

  test.each([20_000, 40_000, 8_000_000])(
    'with a body of %i bytes arrives unchanged',
    async (size) => {
      const backend = await lab.backend();
      const body = Buffer.alloc(size, 'abcdefghijklmnopq');
      const { reader } = lab.send(backend.url, { method: 'PUT', body });
      const peer = await backend.next();
      await peer.expect('\r\n\r\n');
      const headBytes = peer.received.indexOf('\r\n\r\n') + 4;
      while (peer.receivedBytes < headBytes + size) await peer.more();
      expect(peer.receivedBytes).toBe(headBytes + size);
      const kept = peer.received.slice(headBytes);
      expect(kept === body.toString('latin1', 0, kept.length)).toBe(true);
      peer.write(OK);
      expect(await reader.ending).toEqual(ENDED);
      expect(stats()).toMatchObject({ open: 1, idle: 1 });
    },
  );

  test('with a head larger than one write arrives unchanged', async () => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url, { headers: [['x-big', 'y'.repeat(50_000)]] });
    const peer = await backend.next();
    await peer.expect(`x-big: ${'y'.repeat(50_000)}\r\n\r\n`);
    peer.write(OK);
    expect(await reader.ending).toEqual(ENDED);
  });

  test('that cannot be written throws, and opens nothing', () => {
    expect(() => lab.send('http://127.0.0.1:9', { path: '/ x' })).toThrow('forbidden');
    expect(lab.client.stats()).toEqual([]);
  });

  test('reaches a unix socket', async () => {
    const unixPath = join(tmpdir(), `llmgate-http1-${process.pid}.sock`);
    const backend = await lab.backend({ unixPath });
    const { reader } = lab.send(`unix:${unixPath}`);
    const peer = await backend.next();
    await peer.expect('host: localhost\r\n');
    peer.write(OK);
    expect(await reader.ending).toEqual(ENDED);
  });

  test.each(['127.0.0.1', '::1'])('reaches localhost when only %s listens', async (host) => {
    const backend = await lab.backend({ host });
    const { reader } = lab.send(`http://localhost:${backend.port}`);
    (await backend.next()).write(OK);
    expect(await reader.ending).toEqual(ENDED);
  });
});

describe('every reply case, over a socket', () => {
  test.each(REPLY_CASES)('$name', async ({ bytes, toHead, fin, expected }) => {
    const backend = await lab.backend();
    let status = '-';
    const hooks = {
      onHead(head: { status: number }) {
        status = String(head.status);
      },
    };
    const { reader } = lab.send(backend.url, { method: toHead === true ? 'HEAD' : 'GET', hooks });
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write(bytes);
    if (fin === true) peer.end();
    // What waits for more bytes is cut here, so that every case has an ending.
    if (expected.endsWith('waiting')) peer.end();
    const ending = await reader.ending;
    const said = `${status} body=${reader.body.toString('latin1')}`;
    const { open } = lab.client.stats()[0] ?? { open: -1 };
    if (ending.kind === 'end') {
      const how = ending.closeDelimited ? 'done_by_close' : open === 0 ? 'done+close' : 'done';
      const wanted = expected.replace(/waiting$/, 'done_by_close');
      expect(`${said} ${how}`).toBe(wanted);
    } else {
      expect(`${said} broken`).toBe(expected.replace(/waiting$/, 'broken'));
      const stage = bytes === '' ? 'sent_nothing_read' : 'broken_midway';
      expect(ending.failure).toMatchObject({
        stage,
        cause: expect.stringMatching(/^(protocol|closed)$/),
      });
      expect(open).toBe(0);
    }
  });
});

describe('keeping connections', () => {
  test('the next request goes out on the same one', async () => {
    const backend = await lab.backend();
    const first = lab.send(backend.url);
    const peer = await backend.next();
    peer.write(OK);
    await first.reader.ending;
    const second = lab.send(backend.url, { path: '/second' });
    expect(second.sending.reusedConnection).toBe(true);
    await peer.expect('GET /second');
    peer.write(OK);
    expect(await second.reader.ending).toEqual(ENDED);
    expect(stats()).toMatchObject({ open: 1, idle: 1, openedTotal: 1, reusedTotal: 1 });
    expect(backend.accepted).toBe(1);
  });

  test('it is free before the reader hears of the end', async () => {
    const backend = await lab.backend();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const onEnd = () => resolve(lab.send(backend.url).sending.reusedConnection);
    lab.send(backend.url, { hooks: { onEnd } });
    (await backend.next()).write(OK);
    expect(await promise).toBe(true);
  });

  test('the one used last is used first', async () => {
    const backend = await lab.backend();
    const sent = [lab.send(backend.url, { path: '/a' }), lab.send(backend.url, { path: '/b' })];
    const peers = [await backend.next(), await backend.next()];
    for (const [at, peer] of peers.entries()) {
      peer.write(OK);
      await sent[at]?.reader.ending;
    }
    lab.send(backend.url, { path: '/again' });
    await peers[1]?.expect('GET /again');
    expect(peers[0]?.received).not.toContain('/again');
  });

  test('no more than the bound stay idle, and no more than the bound are open', async () => {
    await lab.close();
    lab = openClientLab({ maxIdlePerOrigin: 1, maxConnectionsPerOrigin: 2 });
    const backend = await lab.backend();
    const sent = [lab.send(backend.url), lab.send(backend.url)];
    const third = lab.send(backend.url);
    expect(third.reader.endings).toBe(0); // Never before send() has returned.
    expect(await third.reader.ending).toEqual(failed('nothing_sent', 'too_many_connections'));
    const peers = [await backend.next(), await backend.next()];
    for (const peer of peers) peer.write(OK);
    for (const { reader } of sent) await reader.ending;
    expect(await peers[1]?.gone).toBe('fin');
    expect(stats()).toMatchObject({ open: 1, idle: 1, failures: { too_many_connections: 1 } });
  });

  test('one that was idle too long is closed, by the watchdog or by the next request', async () => {
    const backend = await lab.backend();
    for (const notice of ['watchdog', 'request']) {
      const { reader } = lab.send(backend.url);
      const peer = await backend.next();
      peer.write(OK);
      await reader.ending;
      lab.pass(3_999);
      expect(stats()).toMatchObject({ idle: 1 });
      if (notice === 'watchdog') lab.pass(1);
      else {
        lab.clock.advance(1);
        expect(lab.send(backend.url).sending.reusedConnection).toBe(false);
        (await backend.next()).end();
      }
      expect(await peer.gone).toBe('fin');
    }
  });

  test.each([
    ['timeout=2', 1_000],
    ['timeout=1', 500],
    ['timeout=0', 0],
    ['timeout=600', 4_000],
  ])('keep-alive: %s keeps it for %i ms', async (value, keptMs) => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url);
    const peer = await backend.next();
    peer.write(`HTTP/1.1 200 OK\r\nkeep-alive: ${value}\r\ncontent-length: 0\r\n\r\n`);
    await reader.ending;
    if (keptMs > 0) {
      lab.pass(keptMs - 1);
      expect(stats()).toMatchObject({ idle: 1 });
      lab.pass(1);
    }
    expect(stats()).toMatchObject({ open: 0, idle: 0 });
  });

  test.each(['end', 'reset', 'unsolicited bytes'])(
    'one that dies idle is dropped: %s',
    async (how) => {
      const backend = await lab.backend();
      const { reader } = lab.send(backend.url);
      const peer = await backend.next();
      peer.write(OK);
      await reader.ending;
      if (how === 'end') peer.end();
      else if (how === 'reset') peer.reset();
      else peer.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
      await peer.gone;
      while (stats()?.open !== 0) await new Promise((resolve) => setImmediate(resolve));
      const second = lab.send(backend.url);
      expect(second.sending.reusedConnection).toBe(false);
      (await backend.next()).write(OK);
      expect(await second.reader.ending).toEqual(ENDED);
    },
  );

  test('one that dies under a request is reported, never replayed', async () => {
    const backend = await lab.backend();
    const first = lab.send(backend.url);
    const peer = await backend.next();
    peer.write(OK);
    await first.reader.ending;
    const second = lab.send(backend.url, { method: 'POST', body: Buffer.from('x') });
    expect(second.sending.reusedConnection).toBe(true);
    await peer.expect('POST /');
    peer.end();
    expect(await second.reader.ending).toEqual(failed('sent_nothing_read', 'closed'));
    expect(backend.accepted).toBe(1);
  });

  test('an early reply is delivered, and the connection closed', async () => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url, { method: 'POST', body: Buffer.alloc(30_000_000) });
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.pause();
    peer.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig');
    expect(await reader.ending).toEqual(ENDED);
    expect((await reader.head).status).toBe(413);
    expect(stats()).toMatchObject({ open: 0, idle: 0 });
    peer.resume();
    expect(await peer.gone).toBe('reset');
  });
});

describe('failures say what the backend can have seen', () => {
  test('a closed port', async () => {
    const backend = await lab.backend();
    await backend.close();
    const { reader } = lab.send(backend.url);
    expect(await reader.ending).toEqual(failed('nothing_sent', 'refused'));
    expect(stats()).toMatchObject({ open: 0, failures: { refused: 1 } });
  });

  test('a missing socket file', async () => {
    const { reader } = lab.send(`unix:${join(tmpdir(), 'llmgate-no-such.sock')}`);
    expect(await reader.ending).toEqual(failed('nothing_sent', 'refused'));
  });

  test('a name that does not exist', async () => {
    const { reader } = lab.send('http://no-such-host.invalid');
    expect(await reader.ending).toEqual(failed('nothing_sent', 'dns'));
  });

  test.each([
    ['end', '', 'sent_nothing_read', 'closed'],
    ['reset', '', 'sent_nothing_read', 'reset'],
    ['end', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal', 'broken_midway', 'closed'],
    ['reset', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal', 'broken_midway', 'reset'],
    ['reset', 'HTTP/1.1 200 OK\r\n\r\nclose-delimited', 'broken_midway', 'reset'],
    ['reset', 'HTTP/1.1 2', 'broken_midway', 'reset'],
  ] as const)('%s after %j', async (how, bytes, stage, cause) => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    peer.write(bytes);
    if (bytes.includes('\r\n\r\n')) await reader.bytes(3);
    peer[how]();
    expect(await reader.ending).toEqual(failed(stage, cause));
    expect(stats()).toMatchObject({ open: 0, failures: { [cause]: 1 } });
  });

  test('closing the client fails what is in flight and refuses what comes later', async () => {
    const backend = await lab.backend();
    const { reader } = lab.send(backend.url);
    const peer = await backend.next();
    await peer.expect('\r\n\r\n');
    lab.client.close();
    expect(await reader.ending).toEqual(failed('sent_nothing_read', 'closed'));
    await peer.gone;
    const late = lab.send(backend.url);
    expect(await late.reader.ending).toEqual(failed('nothing_sent', 'closed'));
    expect(lab.watchdog.size).toBe(0);
  });
});

describe('a reader that throws', () => {
  test.each(['onHead', 'onData'] as const)(
    'in %s gets a failure, and is reported',
    async (where) => {
      await lab.close();
      const reported: unknown[] = [];
      lab = openClientLab({ onReaderError: (error) => reported.push(error) });
      const backend = await lab.backend();
      const bug = new Error('a bug');
      const hooks = {
        [where]() {
          throw bug;
        },
      };
      const { reader } = lab.send(backend.url, { hooks });
      const peer = await backend.next();
      peer.write(OK);
      expect(await reader.ending).toEqual(failed('broken_midway', 'closed'));
      expect(reported).toEqual([bug]);
      await peer.gone;
      expect(stats()).toMatchObject({ open: 0 });
    },
  );
});

test('two thousand requests at once end, each once', async () => {
  const backend = await lab.backend();
  const answering = (async () => {
    for (let count = 0; count < 2_000; count++) {
      const peer = await backend.next();
      void peer.expect('\r\n\r\n').then(() => peer.write(OK));
    }
  })();
  const deadlines = { ...LAB_DEADLINES };
  const sent = Array.from({ length: 2_000 }, () => lab.send(backend.url, { deadlines }));
  const endings = await Promise.all(sent.map(({ reader }) => reader.ending));
  await answering;
  expect(endings.filter((ending) => ending.kind !== 'end')).toEqual([]);
  expect(stats()).toMatchObject({ open: 256, idle: 256, openedTotal: 2_000 });
});
