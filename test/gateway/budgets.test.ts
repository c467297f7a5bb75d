import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';

const MODEL = `
models:
  small: { targets: [mock], price: { input: 1, output: 10 } }
`;

/** What the backend was sent last. */
function lastBody(gate: TestGateway): Record<string, unknown> {
  return JSON.parse(gate.mock.requests().at(-1)?.body ?? '{}');
}

test('a request must fit every budget that applies to it, and takes from all or none', async () => {
  await using gate = await startGateway({
    config: `${MODEL}
budgets:
  - { per: all, usd: 1, window: month }
  - { per: team, usd: 0.5, window: month }
  - { per: model, tokens: 45, window: day }
`,
    key: { user: 'ada', team: 'research', tenant: 'acme' },
  });
  const first = await gate.chat({ max_tokens: 30 });
  expect(first.status).toBe(200);
  const second = await gate.chat({ max_tokens: 30 });
  expect(second.code).toBe('insufficient_quota');
  expect(second.headers.get('x-should-retry')).toBe('false');
  expect(gate.mock.stats().requests).toBe(1);
  const { holds, held_usd, refused } = (await gate.gateway.operations.status()).budgets;
  expect({ holds, held_usd, refused }).toEqual({ holds: 0, held_usd: '0', refused: 1 });
});

test('where the budget says so, the answer is made to fit and the caller is told', async () => {
  await using gate = await startGateway({
    config: `${MODEL}
budgets:
  - { per: key, usd: 0.0005, window: month, on_exceed: shrink }
`,
  });
  const reply = await gate.chat({ max_tokens: 1_000 });
  expect(reply.status).toBe(200);
  const told = Number(reply.headers.get('x-llmgate-max-output-tokens'));
  // $0.0005 buys 50 output tokens at $10 a million, less the prompt.
  expect(told).toBeGreaterThan(40);
  expect(told).toBeLessThan(50);
  expect(lastBody(gate)['max_tokens']).toBe(told);
});

test('an answer too short to be of use is refused instead', async () => {
  await using gate = await startGateway({
    config: `${MODEL}
budgets:
  - { per: key, usd: 0.0001, window: month, on_exceed: shrink }
`,
  });
  expect((await gate.chat({ max_tokens: 1_000 })).code).toBe('insufficient_quota');
  expect(gate.mock.stats().requests).toBe(0);
});

test.each([
  { name: 'chat', path: '/v1/chat/completions', asked: {}, member: 'max_tokens' },
  {
    name: 'chat that uses the newer name',
    path: '/v1/chat/completions',
    asked: { max_completion_tokens: 900 },
    member: 'max_completion_tokens',
  },
  { name: 'responses', path: '/v1/responses', asked: {}, member: 'max_output_tokens' },
  { name: 'messages', path: '/v1/messages', asked: { max_tokens: 900 }, member: 'max_tokens' },
])('the ceiling of a key reaches the backend: $name', async ({ path, asked, member }) => {
  await using gate = await startGateway({
    config: MODEL,
    key: { limits: { max_output_tokens: 20 } },
  });
  const messages = [{ role: 'user', content: 'hi' }];
  const body = path.endsWith('responses') ? { input: 'hi' } : { messages };
  const reply = await gate.post(path, { model: 'small', ...body, ...asked });
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-max-output-tokens')).toBe('20');
  expect(lastBody(gate)[member]).toBe(20);
});

test('without budget or ceiling the body stays as the caller sent it', async () => {
  await using gate = await startGateway({ config: MODEL });
  const reply = await gate.chat({});
  expect(reply.headers.get('x-llmgate-max-output-tokens')).toBeNull();
  expect(lastBody(gate)).not.toHaveProperty('max_tokens');
});

test('a budget cannot be passed by a request that states no limit', async () => {
  await using gate = await startGateway({
    config: `${MODEL}
budgets:
  - { per: key, usd: 1, window: month }
`,
  });
  expect((await gate.chat({})).status).toBe(200);
  expect(lastBody(gate)['max_tokens']).toBe(16_384);
});

test('a prompt of blanks, estimated longer than the context, is not let in for nothing', async () => {
  await using gate = await startGateway({
    config: `
models:
  small: { targets: [mock], price: { input: 1, output: 10 }, context_tokens: 8192 }
budgets:
  - { per: key, usd: 0.5, window: month }
`,
  });
  const messages = [{ role: 'user', content: `${' '.repeat(40_000)}hi` }];
  expect((await gate.chat({ messages, n: 10 })).code).toBe('insufficient_quota');
  expect(gate.mock.stats().requests).toBe(0);
});

test('the dearest target of the plan is held, the one that answered is charged', async () => {
  await using gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%" }
  gone: { type: vllm, url: "http://127.0.0.1:1", discover: false }`,
    config: `
models:
  small:
    targets:
      - { backend: gone, model: small, price: { input: 1000, output: 1000 } }
      - mock
    price: { input: 1, output: 10 }
budgets:
  - { per: key, usd: 1, window: month }
`,
  });
  // 1,001 output tokens at $1,000 a million are more than the dollar.
  expect((await gate.chat({ max_tokens: 1_001 })).code).toBe('insufficient_quota');
  const reply = await gate.chat({ max_tokens: 10 });
  expect(reply.status).toBe(200);
  expect(Number(reply.headers.get('x-llmgate-cost-usd'))).toBeLessThan(0.001);
  expect(reply.headers.get('x-llmgate-backend')).toBe('mock');
});

test('the caller labels its request; the label of the key stays', async () => {
  await using gate = await startGateway({ config: MODEL, key: { tags: { env: 'prod' } } });
  const tags = 'project=x1, env=dev';
  expect((await gate.chat({}, { 'x-llmgate-tags': tags })).status).toBe(200);
  await gate.settled();
  expect(JSON.parse(String(gate.rows()[0]?.['tags']))).toEqual({ project: 'x1', env: 'prod' });
  const bad = await gate.chat({}, { 'x-llmgate-tags': 'nonsense' });
  expect(bad.code).toBe('invalid_request');
});

test('content that must be kept and cannot be: refused, or let through where that is allowed', async () => {
  await using strict = await startGateway({ config: MODEL, key: { content: 'full' } });
  expect((await strict.chat({})).code).toBe('store_unavailable');
  expect(strict.mock.stats().requests).toBe(0);
  await using lenient = await startGateway({
    config: `${MODEL}\naudit: { on_failure: allow }`,
    key: { content: 'full' },
  });
  expect((await lenient.chat({})).status).toBe(200);
  expect((await lenient.gateway.operations.status()).content.lost['unkeyed']).toBe(1);
});

test('sums and counters are computed anew while requests go on, and nothing is lost or doubled', async () => {
  await using gate = await startGateway({ config: MODEL, key: { team: 'research' } });
  let isRebuilding = true;
  const asked: Promise<unknown>[] = [];
  const askOn = async () => {
    while (isRebuilding) await gate.chat({ max_tokens: 5 });
  };
  for (let caller = 0; caller < 8; caller += 1) asked.push(askOn());
  for (let round = 0; round < 3; round += 1) {
    expect((await gate.gateway.operations.rebuildLedger()).problems).toEqual([]);
  }
  isRebuilding = false;
  await Promise.all(asked);
  expect((await gate.gateway.operations.checkLedger()).problems).toEqual([]);
});
