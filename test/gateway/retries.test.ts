import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { startTestMock, type TestMock } from '../support/start-mock.ts';
import { tempDir } from '../support/temp-store.ts';

const PRICE = 'price: { input: 1, output: 2 }';
const ONE = `models:\n  small: { targets: [mock], ${PRICE} }\nretries: { backoff: 1ms }\n`;
const TWO = `models:\n  small: { targets: [mock, other], ${PRICE}, balance: round_robin }\n`;
const TWO_BACKENDS = (other: TestMock, more = '') =>
  `mock: { type: vllm, url: "%MOCK%"${more} }\n  other: { type: vllm, url: "${other.url}" }`;
const SEVEN = 'a b c d e f g';

/** One row, settled, and the whole books in order. */
async function onlyRow(gate: TestGateway) {
  await gate.settled();
  const rows = gate.rows();
  expect(rows).toHaveLength(1);
  expect(gate.openRows()).toBe(0);
  expect((await gate.gateway.operations.checkLedger()).problems).toEqual([]);
  return rows[0];
}

test('an error of the only backend is asked again there, and the caller does not notice', async () => {
  await using gate = await startGateway({ config: ONE });
  gate.mock.script({ fault: { kind: 'server_error' } }, { tokens: 7 });
  const reply = await gate.chat();
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-attempts')).toBe('2');
  expect(await onlyRow(gate)).toMatchObject({ outcome: 'served', attempts: 2, output_tokens: 7 });
  expect(gate.mock.stats().requests).toBe(2);
});

test('a rate limit that says when to come back is waited for', async () => {
  await using gate = await startGateway({ config: ONE });
  gate.mock.script({ fault: { kind: 'rate_limit', retry_after: 0 } });
  const { status, headers } = await gate.chat();
  expect([status, headers.get('x-llmgate-attempts')]).toEqual([200, '2']);
});

test('a rate limit that lasts longer than max_wait is told at once, with its time', async () => {
  await using gate = await startGateway({ config: ONE });
  gate.mock.script({ fault: { kind: 'rate_limit', retry_after: 60 } });
  const reply = await gate.chat();
  expect([reply.code, reply.headers.get('retry-after')]).toEqual(['rate_limit_exceeded', '60']);
  expect(gate.mock.stats().requests).toBe(1);
});

test('another target takes over what the first one failed, and is the one that is booked', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({ backends: TWO_BACKENDS(other), config: TWO });
  gate.mock.set({ fault: { kind: 'server_error' } });
  const replies = [await gate.chat(), await gate.chat()];
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(replies.map(({ headers }) => headers.get('x-llmgate-backend'))).toEqual([
    'other',
    'other',
  ]);
  expect(gate.rows().map(({ backend }) => backend)).toEqual(['other', 'other']);
  expect(gate.mock.stats().requests).toBeGreaterThan(0);
});

test.each([
  { what: 'is reset after its head', fault: { kind: 'reset', after_tokens: 0 } },
  { what: 'ends without content', fault: { kind: 'role_only' } },
  { what: 'says an error first', fault: { kind: 'error_frame', after_tokens: 0 } },
  { what: 'begins with no JSON', fault: { kind: 'malformed', after_tokens: 0 } },
] as const)(
  'a stream that $what is taken over before the caller has anything',
  async ({ fault }) => {
    await using gate = await startGateway({ config: ONE });
    gate.mock.script({ early_head: true, ttft_ms: 5, fault }, { text: SEVEN });
    const reply = await gate.chat({ stream: true });
    const roles = reply.text.split('"role"').length - 1;
    expect([reply.status, roles, reply.text.includes('"error"')]).toEqual([200, 1, false]);
    expect(reply.text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(await onlyRow(gate)).toMatchObject({ outcome: 'served', attempts: 2, output_tokens: 7 });
  },
);

test('once content has reached the caller nobody is asked again', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({ backends: TWO_BACKENDS(other), config: TWO });
  const broken = { tokens: 20, tps: 500, fault: { kind: 'reset', after_tokens: 5 } } as const;
  gate.mock.set(broken);
  other.set(broken);
  const reply = await gate.chat({ stream: true });
  expect(reply.text).toContain('"code":"backend_stream_broken"');
  expect(reply.text).not.toContain('[DONE]');
  expect(await onlyRow(gate)).toMatchObject({ outcome: 'cut_by_backend', attempts: 1 });
  expect(gate.mock.stats().requests + other.stats().requests).toBe(1);
});

test('a stream without content is held back for `hold` and no longer', async () => {
  await using gate = await startGateway({ config: ONE.replace('backoff: 1ms', 'hold: 50ms') });
  gate.mock.script({ early_head: true, fault: { kind: 'stall', after_tokens: 0 } });
  const body = JSON.stringify({
    model: 'small',
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
  });
  const leave = new AbortController();
  const response = await fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
    body,
    signal: leave.signal,
  });
  expect(response.status).toBe(200);
  leave.abort();
  await gate.mock.untilCallerLeft(1);
  expect(await onlyRow(gate)).toMatchObject({ outcome: 'cut_by_caller', status: 200 });
});

test('what a vendor may have worked on is not sent to anybody else', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({
    backends: TWO_BACKENDS(other, ', resend: false'),
    config: `models:\n  small: { targets: [mock, other], ${PRICE} }\n`,
  });
  other.refuse();
  gate.mock.set({ fault: { kind: 'reset' } });
  const { code } = await gate.chat();
  expect(code).toBe('backend_error');
  expect(await onlyRow(gate)).toMatchObject({ outcome: 'refused', cost_nano_usd: 0 });
  expect(gate.mock.stats().requests).toBe(1);
});

test('its answers with an error are no work, so another one is asked', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({
    backends: TWO_BACKENDS(other, ', resend: false'),
    config: TWO,
  });
  gate.mock.set({ fault: { kind: 'server_error' } });
  expect([(await gate.chat()).status, (await gate.chat()).status]).toEqual([200, 200]);
});

test('a backend that always fails is retried within its budget, not by everybody', async () => {
  await using gate = await startGateway({
    config: `${ONE.replace('backoff: 1ms', 'backoff: 1ms, budget: 20%')}health: { breaker: { min_attempts: 1000 } }`,
  });
  gate.mock.set({ fault: { kind: 'server_error' } });
  for (let asked = 0; asked < 50; asked += 1) {
    expect((await gate.chat()).code).toBe('backend_error');
  }
  // A fifth of what came first: 50 requests get ten more attempts at most.
  const { requests } = gate.mock.stats();
  expect(requests).toBeGreaterThan(53);
  expect(requests).toBeLessThanOrEqual(60);
});

test('all that a backend was working on when it died is answered by one that is well', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({ backends: TWO_BACKENDS(other), config: TWO });
  gate.mock.set({ ttft_ms: 60_000 });
  other.set({ ttft_ms: 200 });
  const asked = Array.from({ length: 40 }, () => gate.chat());
  await gate.mock.untilRequests(20);
  gate.mock.refuse();
  gate.mock.dropConnections();
  const answers = await Promise.all(asked);
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
});

test('attempts say how each of them went', async () => {
  await using gate = await startGateway({ config: ONE });
  gate.mock.script({ fault: { kind: 'server_error' } });
  await gate.chat();
  await gate.settled();
  expect(gate.log()).toContain('"event":"attempt_failed"');
  expect(gate.log()).toMatch(/"event":"request".*"attempts":2/);
});

test('a backend that limits every key for no time is asked once with each, and once again', async () => {
  const folder = tempDir();
  const keyFiles = ['first-key', 'second-key'].map((text) => {
    const path = join(folder, text);
    writeFileSync(path, text, { mode: 0o600 });
    return `"\${file:${path}}"`;
  });
  await using gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%", api_key: [${keyFiles}] }`,
    config: ONE,
  });
  gate.mock.set({ fault: { kind: 'rate_limit', retry_after: 0 } });
  const { status, headers } = await gate.chat();
  expect([status, headers.get('x-llmgate-attempts')]).toEqual([429, '3']);
  expect(gate.mock.stats().requests).toBe(3);
});

test('the time of the first token is booked, however late it comes', async () => {
  await using gate = await startGateway({ config: ONE.replace('backoff: 1ms', 'hold: 20ms') });
  gate.mock.script({ early_head: true, ttft_ms: 100, text: SEVEN });
  expect((await gate.chat({ stream: true })).status).toBe(200);
  await gate.settled();
  expect(gate.log()).toMatch(/"event":"request".*"ttft_ms":1\d\d/);
});

test('a client is told not to try again what was tried again here', async () => {
  await using gate = await startGateway({ config: ONE });
  gate.mock.set({ fault: { kind: 'server_error' } });
  const reply = await gate.chat();
  expect([reply.code, reply.headers.get('x-llmgate-attempts')]).toEqual(['backend_error', '2']);
  expect(reply.headers.get('x-should-retry')).toBe('false');
  await using plain = await startGateway({
    config: ONE.replace('backoff: 1ms', 'attempts: 1'),
    mock: { models: ['small'], behaviour: { fault: { kind: 'server_error' } } },
  });
  const once = await plain.chat();
  expect([once.code, once.headers.get('x-should-retry')]).toEqual(['backend_error', null]);
});
