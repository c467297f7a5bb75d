import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../../support/client-lab.ts';
import { startFullListener } from '../../../support/full-listener.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
});

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n';

function failed(stage: string, cause: string) {
  return { kind: 'failure', failure: { stage, cause, message: expect.any(String) } };
}

async function open(deadlines = LAB_DEADLINES) {
  const backend = await lab.backend();
  const { reader, sending } = lab.send(backend.url, { deadlines });
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  return { backend, reader, sending, peer };
}

test('no first byte in time', async () => {
  const { reader, peer } = await open();
  lab.pass(1_999);
  expect(reader.endings).toBe(0);
  lab.pass(1);
  expect(await reader.ending).toEqual(failed('sent_nothing_read', 'first_byte_timeout'));
  expect(await peer.gone).toBe('reset');
});

test('the first byte deadline counts from send(), not from the last thing written', async () => {
  const backend = await lab.backend();
  const { reader } = lab.send(backend.url, { method: 'POST', body: Buffer.alloc(30_000_000) });
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  peer.pause(); // The body gets stuck: that is time of the backend too.
  lab.pass(2_000);
  expect(await reader.ending).toEqual(failed('sent_nothing_read', 'first_byte_timeout'));
});

test('a stall in the body, and in the head', async () => {
  for (const bytes of [`${HEAD}some`, 'HTTP/1.1 200 OK\r\ncontent-']) {
    const { reader, peer } = await open();
    lab.pass(1_900);
    peer.write(bytes);
    await lab.settled();
    lab.pass(499);
    expect(reader.endings).toBe(0);
    lab.pass(1);
    expect(await reader.ending).toEqual(failed('broken_midway', 'idle_timeout'));
    expect(await peer.gone).toBe('reset');
  }
});

test('every byte moves the idle deadline, none moves the total one', async () => {
  const { reader, peer } = await open();
  peer.write(HEAD);
  await reader.head;
  for (let count = 1; count <= 24; count++) {
    peer.write('.');
    await reader.bytes(count);
    lab.pass(400);
    expect(reader.endings).toBe(0);
  }
  lab.pass(400);
  expect(await reader.ending).toEqual(failed('broken_midway', 'total_timeout'));
});

test('the total deadline holds before the first byte too', async () => {
  const { reader } = await open({ ...LAB_DEADLINES, firstByteMs: 60_000 });
  lab.pass(10_000);
  expect(await reader.ending).toEqual(failed('sent_nothing_read', 'total_timeout'));
});

test('deadlines that are off never come', async () => {
  const off = Number.POSITIVE_INFINITY;
  const { reader, peer } = await open({
    connectMs: off,
    firstByteMs: off,
    idleMs: off,
    totalMs: off,
  });
  lab.pass(1e9);
  peer.write(`${HEAD}some`);
  await reader.bytes(4);
  lab.pass(1e9);
  expect(reader.endings).toBe(0);
  peer.write('x'.repeat(96));
  expect(await reader.ending).toEqual({ kind: 'end', closeDelimited: false });
});

test('the idle deadline does not run while paused, and starts anew on resume', async () => {
  const { reader, sending, peer } = await open();
  peer.write(`${HEAD}some`);
  await reader.bytes(4);
  sending.pause();
  lab.pass(5_000);
  expect(reader.endings).toBe(0);
  sending.resume();
  lab.pass(499);
  expect(reader.endings).toBe(0);
  lab.pass(1);
  expect(await reader.ending).toEqual(failed('broken_midway', 'idle_timeout'));
});

test('the total deadline runs while paused', async () => {
  const { reader, sending, peer } = await open();
  peer.write(`${HEAD}some`);
  await reader.bytes(4);
  sending.pause();
  lab.pass(10_000);
  expect(await reader.ending).toEqual(failed('broken_midway', 'total_timeout'));
});

test('a deadline of one request does not hit the next one on the connection', async () => {
  const { backend, reader, peer } = await open();
  peer.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  await reader.ending;
  lab.pass(1_500);
  const second = lab.send(backend.url);
  expect(second.sending.reusedConnection).toBe(true);
  lab.pass(1_999);
  expect(second.reader.endings).toBe(0);
  lab.pass(1);
  expect(await second.reader.ending).toEqual(failed('sent_nothing_read', 'first_byte_timeout'));
});

describe('a handshake that gets no answer', () => {
  test('ends at the connect deadline; nothing was sent', async () => {
    await using full = await startFullListener();
    const { reader } = lab.send(full.url);
    lab.pass(999);
    expect(reader.endings).toBe(0);
    lab.pass(1);
    expect(await reader.ending).toEqual(failed('nothing_sent', 'connect_timeout'));
    expect(lab.client.stats()).toMatchObject([{ open: 1, idle: 0, abandoned: 1 }]);
  });

  test('is begun only four times a second when 256 hang, until one succeeds', async () => {
    await using full = await startFullListener();
    for (let count = 0; count < 256; count++) lab.send(full.url).sending.abort();
    const refused = lab.send(full.url);
    expect(await refused.reader.ending).toEqual(failed('nothing_sent', 'too_many_connections'));
    expect(lab.client.stats()).toMatchObject([{ open: 256, abandoned: 256 }]);

    lab.pass(250);
    lab.send(full.url).sending.abort();
    expect(lab.client.stats()).toMatchObject([{ open: 257, abandoned: 257 }]);
    lab.pass(249);
    const early = lab.send(full.url);
    expect(await early.reader.ending).toEqual(failed('nothing_sent', 'too_many_connections'));

    full.makeRoom();
    lab.pass(1);
    const probe = lab.send(full.url);
    await lab.settled();
    const next = lab.send(full.url);
    await lab.settled();
    expect([probe.reader.endings, next.reader.endings]).toEqual([0, 0]);
    expect(lab.client.stats()).toMatchObject([{ open: 259, abandoned: 257 }]);
  });
});
