import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { startTestMock } from '../support/start-mock.ts';

/** `small` on one backend, and `spare`, which costs ten times as much, on another. */
async function startPair(fallback: string, more: { config?: string; key?: object } = {}) {
  const spare = await startTestMock({ models: ['spare'] });
  const gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%", labels: [local] }
  away: { type: vllm, url: "${spare.url}" }`,
    config: `
models:
  small:
    targets: [mock]
    price: { input: 1, output: 2 }
    fallback: ${fallback}
  spare: { targets: [away], price: { input: 10, output: 20 } }
${more.config ?? ''}`,
    ...(more.key === undefined ? {} : { key: more.key }),
  });
  return {
    gate,
    spare,
    async [Symbol.asyncDispose]() {
      await gate[Symbol.asyncDispose]();
      await spare.stop();
    },
  };
}

async function onlyRow(gate: TestGateway) {
  await gate.settled();
  expect(gate.rows()).toHaveLength(1);
  return gate.rows()[0];
}

const blocked = {
  kind: 'status',
  status: 400,
  body: { error: { message: 'no', code: 'content_filter' } },
} as const;

test.each([
  { cause: 'unavailable', fault: { kind: 'server_error' } },
  { cause: 'unavailable', fault: { kind: 'loading' } },
  { cause: 'rate_limited', fault: { kind: 'rate_limit', retry_after: 60 } },
  { cause: 'context', fault: { kind: 'context_length' } },
  { cause: 'refused', fault: blocked },
] as const)('a model falls back when it is $cause ($fault.kind)', async ({ cause, fault }) => {
  await using pair = await startPair(`{ ${cause}: [spare] }`);
  const { gate } = pair;
  gate.mock.set({ fault });
  const reply = await gate.chat({ max_tokens: 4 });
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-model')).toBe('spare');
  expect(reply.headers.get('x-llmgate-backend')).toBe('away');
  const row = await onlyRow(gate);
  // The model that was asked for, the backend that answered, and that one's price.
  expect(row).toMatchObject({ outcome: 'served', model: 'small', backend: 'away', attempts: 2 });
  const tokens = [row?.['input_tokens'], row?.['output_tokens']].map(Number);
  expect(row?.['cost_nano_usd']).toBe(((tokens[0] ?? 0) * 10 + (tokens[1] ?? 0) * 20) * 1_000);
  expect(gate.mock.stats().requests).toBe(1);
  expect((await gate.gateway.operations.status()).budgets.holds).toBe(0);
});

test.each([
  { fallback: '{ context: [spare] }', fault: { kind: 'server_error' }, code: 'backend_error' },
  { fallback: '[spare]', fault: { kind: 'context_length' }, code: 'context_length_exceeded' },
  { fallback: '[spare]', fault: blocked, code: 'content_blocked' },
] as const)('$fallback does not help with $code', async ({ fallback, fault, code }) => {
  await using pair = await startPair(fallback, { config: 'retries: { backoff: 1ms }' });
  const { gate, spare } = pair;
  gate.mock.set({ fault });
  expect((await gate.chat()).code).toBe(code);
  expect(spare.stats().requests).toBe(0);
});

test('a cheaper model stands in when the money for the dear one is gone', async () => {
  await using cheap = await startTestMock({ models: ['cheap'] });
  await using gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%" }\n  away: { type: vllm, url: "${cheap.url}" }`,
    config: `
models:
  small: { targets: [mock], price: { input: 100, output: 200 }, fallback: { budget: [cheap] } }
  cheap: { targets: [away], price: { input: 1, output: 2 } }
budgets:
  - { per: key, usd: 0.002, window: month }
`,
  });
  const reply = await gate.chat({ max_tokens: 100 });
  expect([reply.status, reply.headers.get('x-llmgate-model')]).toEqual([200, 'cheap']);
  expect(gate.mock.stats().requests).toBe(0);
  expect(await onlyRow(gate)).toMatchObject({ model: 'small', backend: 'away', attempts: 1 });
});

test('a spare that nobody can pay is left out, and the model itself still answers', async () => {
  await using pair = await startPair('[spare]', {
    config: 'retries: { attempts: 1 }\nbudgets:\n  - { per: key, usd: 0.0005, window: month }',
  });
  const { gate, spare } = pair;
  expect((await gate.chat({ max_tokens: 100 })).status).toBe(200);
  gate.mock.set({ fault: { kind: 'server_error' } });
  expect((await gate.chat({ max_tokens: 100 })).code).toBe('backend_error');
  expect(spare.stats().requests).toBe(0);
});

test('a key that may not use the spare does not get it', async () => {
  await using pair = await startPair('[spare]', {
    config: 'retries: { backoff: 1ms }',
    key: { models: ['small'] },
  });
  const { gate, spare } = pair;
  gate.mock.set({ fault: { kind: 'server_error' } });
  expect((await gate.chat()).code).toBe('backend_error');
  expect(spare.stats().requests).toBe(0);
});

test('what a rule keeps on labelled backends leaves them by no fallback', async () => {
  const spare = await startTestMock({ models: ['spare'] });
  await using gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%", labels: [local] }
  away: { type: vllm, url: "${spare.url}" }`,
    config: `
models:
  small:
    targets: [mock]
    rules: [{ when: { tag: { data: secret } }, labels: [local] }]
    fallback: [spare]
  spare: { targets: [away] }
retries: { backoff: 1ms }
`,
  });
  gate.mock.set({ fault: { kind: 'server_error' } });
  expect((await gate.chat({}, { 'x-llmgate-tags': 'data=secret' })).code).toBe('backend_error');
  expect(spare.stats().requests).toBe(0);
  expect((await gate.chat()).status).toBe(200);
  expect(spare.stats().requests).toBe(1);
  await spare.stop();
});

test('with nobody left to ask in reach, the spare answers without an attempt before it', async () => {
  await using pair = await startPair('[spare]');
  const { gate } = pair;
  await gate.gateway.operations.drainBackend('mock');
  const reply = await gate.chat();
  expect([reply.status, reply.headers.get('x-llmgate-attempts')]).toEqual([200, '1']);
  expect(gate.mock.stats().requests).toBe(0);
});

test('a spare of a longer context is held for as much as it can answer', async () => {
  await using gate = await startGateway({
    config: `
models:
  small: { targets: [mock], context_tokens: 1000, price: { input: 1, output: 1 }, fallback: { context: [long] } }
  long: { targets: [{ backend: mock, model: small }], context_tokens: 100000, price: { input: 1, output: 1000 } }
budgets:
  - { per: key, usd: 50, window: month }
`,
  });
  gate.mock.script({ fault: { kind: 'context_length' } });
  // A hundred dollars is what 100,000 tokens of output cost, and there are fifty.
  expect((await gate.chat()).code).toBe('context_length_exceeded');
  expect(gate.mock.stats().requests).toBe(1);
});

test('a spare of a longer context is believed what no other could have read', async () => {
  await using gate = await startGateway({
    config: `
models:
  small: { targets: [mock], context_tokens: 1000, fallback: { context: [long] } }
  long: { targets: [{ backend: mock, model: small }], context_tokens: 100000 }
`,
  });
  gate.mock.script({ fault: { kind: 'context_length' } }, { prompt_tokens: 90_000 });
  expect((await gate.chat()).status).toBe(200);
  expect(await onlyRow(gate)).toMatchObject({ input_tokens: 90_000, usage_source: 'reported' });
});
