import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ProbeResult, startProbe } from '../../../../src/backends/health/probe.ts';
import { parseOrigin } from '../../../../src/backends/origin.ts';
import { type ClientLab, LAB_DEADLINES, openClientLab } from '../../../support/client-lab.ts';

let lab: ClientLab;
beforeEach(() => {
  lab = openClientLab();
});
afterEach(async () => {
  expect(await lab.close()).toEqual([]);
});

function ask(url: string) {
  const result = Promise.withResolvers<ProbeResult>();
  const done = Promise.withResolvers<void>();
  const request = {
    origin: parseOrigin(url),
    method: 'GET',
    path: '/health',
    headers: [],
    body: null,
    deadlines: LAB_DEADLINES,
  };
  startProbe(lab.client, request, { onResult: result.resolve, onDone: done.resolve });
  return { result: result.promise, done: done.promise };
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

test.each([
  ['end', 'ok'],
  ['reset', 'ok'],
] as const)('a stale connection (%s) is asked again on a new one', async (how, kind) => {
  const backend = await lab.backend();
  const first = ask(backend.url);
  const old = await backend.next();
  await old.expect('\r\n\r\n');
  old.write(OK);
  await first.done;
  const second = ask(backend.url);
  await old.expect('\r\n\r\n');
  old[how]();
  const fresh = await backend.next();
  await fresh.expect('GET /health');
  fresh.write(OK);
  expect(await second.result).toEqual({ kind, problem: null });
});

test('a new connection that is closed is not', async () => {
  const backend = await lab.backend();
  const { result } = ask(backend.url);
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  peer.end();
  expect((await result).kind).toBe('failed');
  expect(backend.accepted).toBe(1);
});

test.each([
  ['200 OK', 'ok'],
  ['503 Service Unavailable', 'unavailable'],
])('of an endless body after %s no more than its beginning is read', async (status, kind) => {
  const backend = await lab.backend();
  const { result, done } = ask(backend.url);
  const peer = await backend.next();
  await peer.expect('\r\n\r\n');
  peer.write(`HTTP/1.1 ${status}\r\ncontent-length: 1000000000\r\n\r\n${'x'.repeat(20_000)}`);
  await done;
  expect((await result).kind).toBe(kind);
  expect(await peer.gone).toBe('reset');
});

test.each([
  ['{"error":{"message":"Loading model","type":"unavailable_error","code":503}}', 'loading'],
  ['model is still warming up', 'loading'],
  ['Server is initializing', 'loading'],
  ['', 'unavailable'],
  ['engine is dead', 'unavailable'],
])('503 with the words %j', async (words, kind) => {
  const backend = await lab.backend();
  const { result } = ask(backend.url);
  const peer = await backend.next();
  peer.write(`HTTP/1.1 503 X\r\ncontent-length: ${words.length}\r\n\r\n${words}`);
  expect((await result).kind).toBe(kind);
});

test('a deadline is no closed port', async () => {
  const backend = await lab.backend();
  const { result } = ask(backend.url);
  await (await backend.next()).expect('\r\n\r\n');
  lab.pass(LAB_DEADLINES.firstByteMs);
  expect((await result).kind).toBe('failed');
  await backend.close();
  expect((await ask(backend.url).result).kind).toBe('unreachable');
});
