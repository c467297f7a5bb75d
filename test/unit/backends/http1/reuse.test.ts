import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../../support/client-lab.ts';
import type { RawConnection } from '../../../support/raw-backend.ts';

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

/** Answers everything on a connection for as long as it lives. */
async function answerAll(peer: RawConnection): Promise<void> {
  for (;;) {
    await peer.expect('\r\n\r\n');
    peer.write(OK);
  }
}

/** A connection that has carried a request and waits for the next. */
async function openIdle() {
  const backend = await lab.backend();
  const { reader } = lab.send(backend.url);
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  peer.write(OK);
  expect(await reader.ending).toEqual(ENDED);
  return { backend, peer };
}

describe('a connection in steady use', () => {
  test.each([
    ['a name, for a minute: its address may change', 'localhost', 60_000],
    ['an address, for five minutes', '127.0.0.1', 300_000],
  ])('to %s', async (_what, host, maxAgeMs) => {
    const backend = await lab.backend();
    const url = `http://${host}:${backend.port}`;
    const openedMs = lab.clock.monotonicMs();
    const first = lab.send(url);
    const peer = await backend.next();
    void answerAll(peer);
    await first.reader.ending;
    for (;;) {
      lab.pass(2_500);
      if (lab.clock.monotonicMs() - openedMs >= maxAgeMs) break;
      const { reader, sending } = lab.send(url);
      expect(sending.reusedConnection).toBe(true);
      expect(await reader.ending).toEqual(ENDED);
    }
    expect(await peer.gone).toBe('fin');
    const late = lab.send(url);
    expect(late.sending.reusedConnection).toBe(false);
    void answerAll(await backend.next());
    expect(await late.reader.ending).toEqual(ENDED);
  });

  test('is as old as the option says', async () => {
    await lab.close();
    lab = openClientLab({ nameMaxAgeMs: 1_000 });
    const backend = await lab.backend();
    const { reader } = lab.send(`http://localhost:${backend.port}`);
    void answerAll(await backend.next());
    await reader.ending;
    lab.pass(999);
    expect(lab.client.stats()[0]?.idle).toBe(1);
    lab.pass(1);
    expect(lab.client.stats()[0]?.idle).toBe(0);
  });

  test('is counted', async () => {
    const { backend, peer } = await openIdle();
    expect(lab.client.stats()[0]?.reusedRatio).toBe(0);
    void answerAll(peer);
    for (let count = 0; count < 3; count++) await lab.send(backend.url).reader.ending;
    expect(lab.client.stats()[0]).toMatchObject({ reusedTotal: 3, reusedRatio: 0.75 });
  });
});

describe('a name', () => {
  test('is resolved anew for every connection', async () => {
    const backend = await lab.backend();
    const url = `http://localhost:${backend.port}`;
    const { reader } = lab.send(url);
    void answerAll(await backend.next());
    expect(await reader.ending).toEqual(ENDED);
    await backend.close();
    await lab.settled();
    const before = lookups();
    const refused = lab.send(url);
    expect(await refused.reader.ending).toEqual(failed('nothing_sent', 'refused'));
    // What Bun remembers of a name is not asked: it may be half a minute old.
    expect(lookups()).toBe(before);
  });
});

function lookups(): number {
  return Bun.dns.getCacheStats().cacheMisses;
}

describe('a connection that died while it was idle', () => {
  // The end has arrived and been seen: it is never used again.
  test.each([
    ['FIN', (peer: RawConnection) => peer.end()],
    ['RST', (peer: RawConnection) => peer.reset()],
    ['bytes nobody asked for', (peer: RawConnection) => peer.write('HTTP/1.1 408 Late\r\n\r\n')],
    ['half a reply', (peer: RawConnection) => peer.write('H')],
  ])('carries no request: %s', async (_how, die) => {
    const { backend, peer } = await openIdle();
    die(peer);
    await lab.settled();
    expect(lab.client.stats()[0]).toMatchObject({ open: 0, idle: 0 });
    const { reader, sending } = lab.send(backend.url);
    expect(sending.reusedConnection).toBe(false);
    (await backend.next()).write(OK);
    expect(await reader.ending).toEqual(ENDED);
  });

  // The end is in the system's buffers, or comes while the request is on its way: nobody can know.
  // What is reported must then be exact, as it decides whether the request may be sent again.
  test.each([
    ['FIN', 'closed', (peer: RawConnection) => peer.end()],
    ['RST', 'reset', (peer: RawConnection) => peer.reset()],
  ] as const)('under a request: %s', async (_how, cause, die) => {
    const { backend, peer } = await openIdle();
    const { reader, sending } = lab.send(backend.url, { method: 'POST', body: Buffer.from('{}') });
    expect(sending).toMatchObject({ reusedConnection: true, hasBegun: true });
    die(peer);
    expect(await reader.ending).toEqual(failed('sent_nothing_read', cause));
    expect(sending.reusedConnection).toBe(true);
    expect(backend.accepted).toBe(1); // Nothing is replayed here.
  });

  test('in the moment of the request: sent elsewhere, or reported exactly', async () => {
    for (const how of ['end', 'reset'] as const) {
      const { backend, peer } = await openIdle();
      peer[how]();
      const { reader, sending } = lab.send(backend.url, {
        method: 'POST',
        body: Buffer.from('{}'),
      });
      if (sending.reusedConnection) {
        expect(await reader.ending).toMatchObject({ failure: { stage: 'sent_nothing_read' } });
      } else {
        (await backend.next()).write(OK);
        expect(await reader.ending).toEqual(ENDED);
      }
    }
  });
});

describe('a connection whose other end is gone without a word', () => {
  test.each([
    ['silence', 'first_byte_timeout'],
    ['RST', 'reset'],
  ] as const)('takes the idle ones with it: %s', async (how, cause) => {
    const backend = await lab.backend();
    const sent = [lab.send(backend.url), lab.send(backend.url)];
    const peers = [await backend.next(), await backend.next()];
    for (const peer of peers) peer.write(OK);
    for (const { reader } of sent) await reader.ending;
    const { reader, sending } = lab.send(backend.url, {
      deadlines: { ...LAB_DEADLINES, firstByteMs: 500 },
    });
    expect(sending.reusedConnection).toBe(true);
    await lab.settled();
    if (how === 'RST') peers.find(({ received }) => received.split('GET').length === 3)?.reset();
    else lab.pass(500);
    expect(await reader.ending).toEqual(failed('sent_nothing_read', cause));
    expect(lab.client.stats()[0]).toMatchObject({ open: 0, idle: 0 });
    const next = lab.send(backend.url);
    expect(next.sending.reusedConnection).toBe(false);
    (await backend.next()).write(OK);
    expect(await next.reader.ending).toEqual(ENDED);
  });

  test('a new one that gets no answer says nothing of the others', async () => {
    const backend = await lab.backend();
    const fresh = lab.send(backend.url, { deadlines: { ...LAB_DEADLINES, firstByteMs: 500 } });
    await (await backend.next()).expect('\r\n\r\n');
    const other = lab.send(backend.url);
    (await backend.next()).write(OK);
    await other.reader.ending;
    lab.pass(500);
    expect(await fresh.reader.ending).toEqual(failed('sent_nothing_read', 'first_byte_timeout'));
    expect(lab.client.stats()[0]).toMatchObject({ open: 1, idle: 1 });
  });

  test('one that was closed with a FIN, as servers do, leaves the others', async () => {
    const backend = await lab.backend();
    const sent = [lab.send(backend.url), lab.send(backend.url)];
    const peers = [await backend.next(), await backend.next()];
    for (const [at, peer] of peers.entries()) {
      peer.write(OK);
      await sent[at]?.reader.ending;
    }
    const { reader } = lab.send(backend.url, { path: '/again' });
    await peers[1]?.expect('GET /again');
    peers[1]?.end();
    expect(await reader.ending).toEqual(failed('sent_nothing_read', 'closed'));
    expect(lab.client.stats()[0]).toMatchObject({ open: 1, idle: 1 });
  });
});

test('a refused connection is known at once, without any deadline', async () => {
  const backend = await lab.backend();
  await backend.close();
  const startMs = performance.now();
  for (let count = 0; count < 20; count++) {
    const { reader } = lab.send(backend.url);
    expect(await reader.ending).toEqual(failed('nothing_sent', 'refused'));
  }
  // A twentieth of what a caller may notice; a few tenths of a millisecond are usual.
  expect((performance.now() - startMs) / 20).toBeLessThan(50);
});
