import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';

const STUCK = { early_head: true, fault: { kind: 'stall', after_tokens: 1 } } as const;

/** A request that does not end before its caller leaves. */
async function occupy(gate: TestGateway): Promise<AbortController> {
  const leaving = new AbortController();
  gate.mock.script(STUCK);
  const messages = [{ role: 'user', content: 'hi' }];
  await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'small', stream: true, messages }),
    signal: leaving.signal,
  });
  return leaving;
}

async function expectOverloaded(
  gate: TestGateway,
  body: Record<string, unknown> = {},
): Promise<void> {
  const before = gate.mock.stats().requests;
  const reply = await gate.chat(body);
  expect([reply.status, reply.code]).toEqual([503, 'overloaded']);
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(gate.mock.stats().requests).toBe(before);
}

async function expectRoomAfter(gate: TestGateway, leaving: AbortController): Promise<void> {
  leaving.abort();
  await gate.mock.untilCallerLeft(1);
  await gate.settled();
  expect((await gate.chat()).status).toBe(200);
  expect((await gate.gateway.operations.status()).in_flight).toBe(0);
}

test.each([
  { what: 'requests at once', overload: '{ requests_in_flight: 1 }' },
  { what: 'requests of one address', overload: '{ per_address: 1 }' },
])('$what have a bound, and a place is free again when one ends', async ({ overload }) => {
  await using gate = await startGateway({ config: `overload: ${overload}` });
  const leaving = await occupy(gate);
  await expectOverloaded(gate);
  await expectRoomAfter(gate, leaving);
});

test('the bytes of bodies have a bound, which counts what is on its way', async () => {
  await using gate = await startGateway({
    config: 'max_body: 64KB\noverload: { bytes_in_flight: 64KB }',
  });
  const body = 'x'.repeat(60_000);
  const half = connect(Number(new URL(gate.url).port), '127.0.0.1');
  half.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(9)}`,
  );
  while ((await gate.gateway.operations.status()).in_flight === 0) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await expectOverloaded(gate, { user: 'y'.repeat(9_000) });
  expect((await gate.chat()).status).toBe(200);
  half.destroy();
  while ((await gate.gateway.operations.status()).in_flight > 0) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect((await gate.chat({ user: 'y'.repeat(9_000) })).status).toBe(200);
});

test('who is turned away is in no book', async () => {
  await using gate = await startGateway({ config: 'overload: { requests_in_flight: 1 }' });
  const leaving = await occupy(gate);
  await expectOverloaded(gate);
  leaving.abort();
  await gate.mock.untilCallerLeft(1);
  await gate.settled();
  expect(gate.rows()).toHaveLength(1);
});

test('bodies that were announced and do not come take no memory from others', async () => {
  await using gate = await startGateway({
    config: 'max_body: 4MB\noverload: { bytes_in_flight: 4MB }',
  });
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: Number(new URL(gate.url).port),
    socket: { data() {} },
  });
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
      'content-type: application/json\r\ncontent-length: 4000000\r\n\r\n{ ',
  );
  while ((await gate.gateway.operations.status()).in_flight < 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const content = 'x'.repeat(200);
  expect((await gate.chat({ messages: [{ role: 'user', content }] })).status).toBe(200);
  socket.terminate();
});
