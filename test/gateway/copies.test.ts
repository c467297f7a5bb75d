import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { startTestMock, type TestMock } from '../support/start-mock.ts';

/** `small` on `mock`, and whatever a test wants with `other`, whose answers cost ten times as much. */
function startWith(other: TestMock, model: string, more = ''): Promise<TestGateway> {
  return startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%" }\n  other: { type: vllm, url: "${other.url}" }`,
    config: `models:
  small:
    targets: [mock]
    price: { input: 1, output: 2 }
${model}
${more}`,
  });
}

const DEAR = '{ backend: other, model: small, price: { input: 10, output: 20 } }';
const SHADOW = `    shadow: { target: ${DEAR}, share: 100% }`;

async function untilRows(gate: TestGateway, count: number) {
  while (gate.rows().length < count) await new Promise<void>((resolve) => setImmediate(resolve));
  return gate.rows();
}

function costOf(row: Readonly<Record<string, unknown>> | undefined, times: number): number {
  return (Number(row?.['input_tokens']) + 2 * Number(row?.['output_tokens'])) * 1_000 * times;
}

test.each([false, true])('a shadow is booked on a key of its own (stream: %s)', async (stream) => {
  await using other = await startTestMock({ models: ['small'], behaviour: { tokens: 5 } });
  await using gate = await startWith(
    other,
    SHADOW,
    'budgets:\n  - { per: key, usd: 1, window: month }',
  );
  const reply = await gate.chat({ stream, max_tokens: 9 });
  expect([reply.status, reply.headers.get('x-llmgate-backend')]).toEqual([200, 'mock']);
  const rows = await untilRows(gate, 2);
  const own = rows.find(({ key }) => key === gate.keyId);
  const copy = rows.find(({ key }) => key === 'shadow');
  expect(own).toMatchObject({ outcome: 'served', backend: 'mock', attempts: 1 });
  expect(copy).toMatchObject({
    ...{ outcome: 'served', backend: 'other', model: 'small', output_tokens: 5 },
    ...{ user: null, team: null, tenant: null },
  });
  expect(own?.['cost_nano_usd']).toBe(costOf(own, 1));
  expect(copy?.['cost_nano_usd']).toBe(costOf(copy, 10));
  expect(copy?.['id']).not.toBe(own?.['id']);
  const { holds } = (await gate.gateway.operations.status()).budgets;
  expect([holds, gate.openRows()]).toEqual([0, 0]);
  expect((await gate.gateway.operations.checkLedger()).problems).toEqual([]);
});

test('a shadow that fails, hangs or is full is nothing that a caller sees', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startWith(other, SHADOW);
  other.script({ fault: { kind: 'server_error' } });
  expect((await gate.chat()).status).toBe(200);
  other.script({ fault: { kind: 'stall' } });
  expect((await gate.chat()).status).toBe(200);
  other.refuse();
  other.dropConnections();
  expect((await gate.chat()).status).toBe(200);
  const rows = await untilRows(gate, 6);
  const copies = rows.filter(({ key }) => key === 'shadow');
  expect(copies.map(({ outcome, cost_nano_usd }) => [outcome, cost_nano_usd])).toEqual([
    ['refused', 0],
    ['refused', 0],
    ['refused', 0],
  ]);
});

test('a copy takes no place of the model, and none that a caller waits for', async () => {
  await using other = await startTestMock({ models: ['small'], behaviour: { ttft_ms: 60_000 } });
  await using gate = await startWith(other, `${SHADOW}\n    max_concurrency: 1`);
  expect((await gate.chat()).status).toBe(200);
  await other.untilRequests(1);
  const second = await gate.chat();
  expect([second.status, second.headers.get('x-llmgate-queue-ms')]).toEqual([200, null]);
});

test('a model server of ours is not started for a copy, nor held to be dead', async () => {
  await using gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%" }
  own: { type: vllm, url: "http://127.0.0.1:9", discover: false, metrics: off, process: { command: [/bin/false] } }`,
    config:
      'models:\n  small: { targets: [mock], price: { input: 1, output: 2 }, shadow: { target: own, share: 100% } }',
  });
  expect((await gate.chat()).status).toBe(200);
  await gate.gateway.stop();
  expect(gate.rows().map(({ key }) => key)).toEqual([gate.keyId]);
});

test('copies that run when the gateway stops are ended and booked', async () => {
  await using other = await startTestMock({ models: ['small'], behaviour: { ttft_ms: 60_000 } });
  const gate = await startWith(other, SHADOW);
  expect((await gate.chat()).status).toBe(200);
  await other.untilRequests(1);
  await gate.gateway.stop();
  await other.untilCallerLeft(1);
  expect(gate.rows().find(({ key }) => key === 'shadow')).toMatchObject({
    outcome: 'refused',
    code: 'draining',
  });
  expect(gate.openRows()).toBe(0);
  await gate[Symbol.asyncDispose]();
});

test('requests of a variant are answered by its targets and booked with its name', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startWith(
    other,
    `    session: [x-session-id]
    split:
      candidate: { share: 50%, targets: [${DEAR}] }`,
  );
  for (let session = 0; session < 20; session += 1) {
    await gate.chat({ max_tokens: 3 }, { 'x-session-id': `session ${session}` });
  }
  await gate.settled();
  const rows = gate.rows();
  const drawn = rows.filter(({ backend }) => backend === 'other');
  // The draw hangs on the id of the key, so that only all and none would say that there is none.
  expect(drawn.length).toBeGreaterThan(0);
  expect(drawn.length).toBeLessThan(20);
  for (const row of rows) {
    const isDrawn = row['backend'] === 'other';
    expect(String(row['tags']).includes('"variant":"candidate"')).toBe(isDrawn);
    expect(row['cost_nano_usd']).toBe(costOf(row, isDrawn ? 10 : 1));
  }
});

const HEDGED = '    balance: weighted\n    hedge: { after: 20ms, budget: 100% }';

async function startHedged(other: TestMock, more = ''): Promise<TestGateway> {
  return await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%", weight: 1000 }
  other: { type: vllm, url: "${other.url}" }`,
    config: `models:
  small:
    targets: [mock, ${DEAR}]
    price: { input: 1, output: 2 }
${HEDGED}
${more}`,
  });
}

test.each([false, true])(
  'beside a slow backend another is asked, and who answers first is billed (stream: %s)',
  async (stream) => {
    await using other = await startTestMock({ models: ['small'], behaviour: { tokens: 5 } });
    await using gate = await startHedged(other);
    gate.mock.set({ ttft_ms: 60_000 });
    const reply = await gate.chat({ stream });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-llmgate-backend')).toBe('other');
    await gate.mock.untilCallerLeft(1);
    await gate.settled();
    const rows = gate.rows();
    expect(rows).toMatchObject([
      { outcome: 'served', backend: 'other', attempts: 2, output_tokens: 5 },
    ]);
    expect(rows[0]?.['cost_nano_usd']).toBe(costOf(rows[0], 10));
    expect([gate.mock.stats().requests, other.stats().requests]).toEqual([1, 1]);
  },
);

test('a first backend that answers after all is used, and the second one is closed', async () => {
  await using other = await startTestMock({ models: ['small'], behaviour: { ttft_ms: 60_000 } });
  await using gate = await startHedged(other);
  gate.mock.set({ ttft_ms: 100, tokens: 5 });
  const reply = await gate.chat();
  expect(reply.headers.get('x-llmgate-backend')).toBe('mock');
  await other.untilCallerLeft(1);
  await gate.settled();
  expect(gate.rows()).toMatchObject([{ backend: 'mock', attempts: 2, output_tokens: 5 }]);
});

test('a caller who leaves a hedged request closes both and pays once', async () => {
  await using other = await startTestMock({ models: ['small'], behaviour: { ttft_ms: 60_000 } });
  await using gate = await startHedged(other);
  gate.mock.set({ ttft_ms: 60_000 });
  const leaving = new AbortController();
  const messages = [{ role: 'user', content: 'hi' }];
  const asked = fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'small', messages }),
    signal: leaving.signal,
  });
  asked.catch(() => {});
  await other.untilRequests(1);
  leaving.abort();
  await Promise.all([gate.mock.untilCallerLeft(1), other.untilCallerLeft(1)]);
  await gate.settled();
  expect(gate.rows()).toMatchObject([
    { outcome: 'cut_by_caller', backend: 'mock', attempts: 2, estimated: 1 },
  ]);
  expect(gate.rows()[0]?.['cost_nano_usd']).toBe(costOf(gate.rows()[0], 1));
});

test('when both of a hedge fail, neither is asked again beyond what is allowed', async () => {
  await using other = await startTestMock({
    models: ['small'],
    behaviour: { fault: { kind: 'server_error', delay_ms: 100 } },
  });
  await using gate = await startHedged(other, 'retries: { attempts: 2, backoff: 1ms }');
  gate.mock.set({ fault: { kind: 'server_error', delay_ms: 60 } });
  expect((await gate.chat()).code).toBe('backend_error');
  expect([gate.mock.stats().requests, other.stats().requests]).toEqual([1, 1]);
  await gate.settled();
  expect(gate.rows()).toMatchObject([{ outcome: 'refused', attempts: 2, cost_nano_usd: 0 }]);
});
