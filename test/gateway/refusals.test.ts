import { expect, test } from 'vitest';
import { startGateway, type TestGateway, toReply } from '../support/start-gateway.ts';

interface Refusal {
  readonly name: string;
  readonly ask: (gate: TestGateway) => Promise<Response>;
  readonly status: number;
  readonly code: string;
  /** Rows it leaves; refusals of unknown callers leave none. */
  readonly rows: number;
}

const CHAT = { model: 'small', messages: [{ role: 'user', content: 'hi' }] };

function post(
  gate: TestGateway,
  body: unknown,
  { key = gate.key, path = '/v1/chat/completions', headers = {} } = {},
): Promise<Response> {
  return fetch(gate.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const refusals: Refusal[] = [
  {
    name: 'no key',
    ask: (gate) =>
      fetch(`${gate.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(CHAT) }),
    status: 401,
    code: 'invalid_api_key',
    rows: 0,
  },
  {
    name: 'a key with one wrong character',
    ask: (gate) => post(gate, CHAT, { key: `${gate.key.slice(0, -1)}!` }),
    status: 401,
    code: 'invalid_api_key',
    rows: 0,
  },
  {
    name: 'a key in the URL',
    ask: (gate) => post(gate, CHAT, { path: `/v1/chat/completions?key=${gate.key}` }),
    status: 401,
    code: 'invalid_api_key',
    rows: 0,
  },
  {
    name: 'an unknown path',
    ask: (gate) => post(gate, CHAT, { path: '/v1/nothing' }),
    status: 404,
    code: 'route_not_found',
    rows: 0,
  },
  {
    name: 'a method that the path does not have',
    ask: (gate) => fetch(`${gate.url}/v1/chat/completions`),
    status: 405,
    code: 'method_not_allowed',
    rows: 0,
  },
  {
    name: 'a body that is not JSON',
    ask: (gate) => post(gate, '{"model":'),
    status: 400,
    code: 'invalid_json',
    rows: 1,
  },
  {
    name: 'a compressed body',
    ask: (gate) => post(gate, CHAT, { headers: { 'content-encoding': 'gzip' } }),
    status: 415,
    code: 'unsupported_media_type',
    rows: 1,
  },
  {
    name: 'a body over the bound',
    ask: (gate) => post(gate, { ...CHAT, pad: 'x'.repeat(70_000) }),
    status: 413,
    code: 'request_too_large',
    rows: 1,
  },
  {
    name: 'an unknown model',
    ask: (gate) => post(gate, { ...CHAT, model: 'nobody' }),
    status: 404,
    code: 'model_not_found',
    rows: 1,
  },
  {
    name: 'a model the key may not see',
    ask: (gate) => post(gate, { ...CHAT, model: 'hidden' }),
    status: 404,
    code: 'model_not_found',
    rows: 1,
  },
  {
    name: 'an endpoint the key may not use',
    ask: (gate) => post(gate, { model: 'small', input: 'hi' }, { path: '/v1/embeddings' }),
    status: 403,
    code: 'endpoint_not_allowed',
    rows: 1,
  },
];

test.each(refusals)('$name: $status $code, and nothing later ran', async (refusal) => {
  await using gate = await startGateway({
    config: 'max_body: 64KB\nlimits:\n  - { per: key, requests: 10/m }',
    mock: { models: ['small', 'hidden'] },
    key: { models: ['sm*'], endpoints: ['chat', 'models'] },
  });
  const reply = await toReply(await refusal.ask(gate));
  expect(reply.status).toBe(refusal.status);
  expect(reply.code).toBe(refusal.code);
  expect(reply.headers.get('x-llmgate-error')).toBe(refusal.code);
  expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(gate.rows()).toHaveLength(refusal.rows);
  for (const row of gate.rows()) {
    expect(row).toMatchObject({ outcome: 'refused', code: refusal.code, cost_nano_usd: 0 });
  }
  // Nothing was charged, nothing was sent.
  const next = await gate.chat();
  expect(next.headers.get('x-ratelimit-remaining-requests')).toBe('9');
  expect(gate.mock.stats().requests).toBe(1);
});

test('hidden and absent models get the same text', async () => {
  await using gate = await startGateway({
    mock: { models: ['small', 'hidden'] },
    key: { models: ['small'] },
  });
  const hidden = await gate.chat({ model: 'hidden' });
  const absent = await gate.chat({ model: 'absent' });
  expect(hidden.text).toBe(absent.text.replace('absent', 'hidden'));
  const listed = await fetch(`${gate.url}/v1/models`, {
    headers: { authorization: `Bearer ${gate.key}` },
  });
  const { data } = (await listed.json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(['small']);
});

test('a rate that is used up refuses with the time to wait, and costs nothing', async () => {
  await using gate = await startGateway({ config: 'limits:\n  - { per: key, requests: 2/m }' });
  expect((await gate.chat()).status).toBe(200);
  expect((await gate.chat()).status).toBe(200);
  const refused = await gate.chat();
  expect(refused.status).toBe(429);
  expect(refused.code).toBe('rate_limit_exceeded');
  expect(Number(refused.headers.get('retry-after-ms'))).toBeGreaterThan(25_000);
  expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(gate.mock.stats().requests).toBe(2);
});

test('a budget that fits one worst case lets exactly one of many through', async () => {
  await using gate = await startGateway({
    config: 'models:\n  small: { targets: [mock], price: { input: 0, output: 1 } }',
    mock: { models: ['small'], behaviour: { ttft_ms: 50, tokens: 10 } },
    // One request holds 1,000 tokens at a dollar per million.
    key: { budget: { limit_usd: '0.0015', window: 'month' } },
  });
  const asked = Array.from({ length: 50 }, () => gate.chat({ max_tokens: 1_000 }));
  const replies = await Promise.all(asked);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  const refused = replies.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(49);
  expect(refused[0]?.code).toBe('insufficient_quota');
  expect(refused[0]?.headers.get('x-should-retry')).toBe('false');
  expect(gate.mock.stats().requests).toBe(1);
  // The rest of the hold came back at settle.
  expect((await gate.chat({ max_tokens: 1_000 })).status).toBe(200);
});

test('unpriced models are refused where the operator says so', async () => {
  await using gate = await startGateway({ config: 'unpriced_models: deny' });
  const reply = await gate.chat();
  expect(reply.status).toBe(403);
  expect(reply.code).toBe('policy_denied');
  expect(gate.mock.stats().requests).toBe(0);
});

test('a revoked or suspended key is refused at once, an expired one says so', async () => {
  await using gate = await startGateway();
  const { keys } = gate.gateway.operations;
  await keys.suspend(gate.keyId);
  expect((await gate.chat()).code).toBe('key_suspended');
  await keys.resume(gate.keyId);
  expect((await gate.chat()).status).toBe(200);
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  await keys.update(gate.keyId, { expires_at: inAnHour });
  expect((await gate.chat()).status).toBe(200);
  gate.advanceMs(3_600_001);
  expect((await gate.chat()).code).toBe('key_expired');
  await keys.update(gate.keyId, { expires_at: null });
  await keys.revoke(gate.keyId);
  expect((await gate.chat()).code).toBe('invalid_api_key');
});

test('a rotation keeps both secrets valid for the overlap, and none of the old without', async () => {
  await using gate = await startGateway();
  const { keys } = gate.gateway.operations;
  const rotated = await keys.rotate(gate.keyId, { overlap_seconds: 3_600 });
  expect((await gate.chat()).status).toBe(200);
  expect((await gate.chat({}, { authorization: `Bearer ${rotated.key}` })).status).toBe(200);
  const again = await keys.rotate(gate.keyId, { overlap_seconds: 0 });
  expect((await gate.chat()).status).toBe(401);
  expect((await gate.chat({}, { authorization: `Bearer ${rotated.key}` })).status).toBe(401);
  expect((await gate.chat({}, { authorization: `Bearer ${again.key}` })).status).toBe(200);
});

test('callers without a valid key are counted, though they leave no row', async () => {
  await using gate = await startGateway();
  await gate.chat();
  await gate.chat({}, { authorization: 'Bearer nobody' });
  const status = await gate.gateway.operations.status();
  expect(status).toMatchObject({ requests: 2, unauthenticated: 1, clamped_usages: 0 });
  gate.mock.script({ fault: { kind: 'usage', value: 'huge' } });
  await gate.chat();
  expect((await gate.gateway.operations.status()).clamped_usages).toBe(1);
});
