import { expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { startTestMock } from '../support/start-mock.ts';

const SMALL = 'models:\n  small: { targets: [mock], price: { input: 1, output: 2 } }\n';
const ONE_PLACE = 'mock: { type: vllm, url: "%MOCK%", max_concurrency: 1 }';
const STUCK = { early_head: true, fault: { kind: 'stall', after_tokens: 1 } } as const;

interface Asking {
  readonly answer: Promise<Response>;
  leave(): void;
}

/** A stream whose caller can leave. */
function ask(gate: TestGateway, headers: Record<string, string> = {}, key = gate.key): Asking {
  const leaving = new AbortController();
  const messages = [{ role: 'user', content: 'hi' }];
  const answer = fetch(`${gate.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'small', stream: true, messages }),
    signal: leaving.signal,
  });
  answer.catch(() => {});
  return { answer, leave: () => leaving.abort() };
}

/** Somebody has the only place, and keeps it. */
async function occupy(gate: TestGateway): Promise<Asking> {
  gate.mock.script(STUCK);
  const first = ask(gate);
  await gate.mock.untilRequests(1);
  return first;
}

async function inLine(gate: TestGateway, count: number): Promise<void> {
  for (;;) {
    const { in_flight } = await gate.gateway.operations.status();
    // One of them has the place.
    if (in_flight >= count + 1) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function atRest(gate: TestGateway): Promise<void> {
  await gate.settled();
  const status = await gate.gateway.operations.status();
  expect(status.in_flight).toBe(0);
  expect(status.budgets.holds).toBe(0);
  expect(gate.openRows()).toBe(0);
}

test('who finds no place waits in line, and is told how long', async () => {
  await using gate = await startGateway({ backends: ONE_PLACE, config: SMALL });
  const first = await occupy(gate);
  const second = ask(gate);
  await inLine(gate, 1);
  expect(gate.mock.stats().requests).toBe(1);
  first.leave();
  const reply = await second.answer;
  expect(reply.status).toBe(200);
  expect(Number(reply.headers.get('x-llmgate-queue-ms'))).toBeGreaterThan(0);
  expect(reply.headers.get('server-timing')).toMatch(/queue;dur=/);
  expect(await reply.text()).toContain('[DONE]');
  await atRest(gate);
});

test('a wait that is too long is a 429 of its own, and costs nothing', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}queue: { max_wait: 50ms }`,
  });
  const first = await occupy(gate);
  const reply = await gate.chat();
  expect([reply.status, reply.code]).toEqual([429, 'queue_timeout']);
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  first.leave();
  await gate.mock.untilCallerLeft(1);
  await atRest(gate);
  expect(gate.rows().find(({ code }) => code === 'queue_timeout')).toMatchObject({
    outcome: 'refused',
    attempts: 0,
    cost_nano_usd: 0,
    backend: null,
  });
});

test('a line has an end: more are turned away at once', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}queue: { max_waiting: 1 }`,
  });
  const first = await occupy(gate);
  const second = ask(gate);
  await inLine(gate, 1);
  const reply = await gate.chat();
  expect([reply.status, reply.code]).toEqual([503, 'overloaded']);
  first.leave();
  expect((await second.answer).status).toBe(200);
});

test('a caller who leaves while in line leaves no hold, no place and no open row', async () => {
  await using gate = await startGateway({ backends: ONE_PLACE, config: SMALL });
  const first = await occupy(gate);
  const second = ask(gate);
  await inLine(gate, 1);
  second.leave();
  await gate.gateway.operations.status();
  while ((await gate.gateway.operations.status()).in_flight > 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  first.leave();
  await gate.mock.untilCallerLeft(1);
  await atRest(gate);
  const left = gate.rows().find(({ attempts }) => attempts === 0);
  expect(left).toMatchObject({ outcome: 'refused', code: 'caller_gone', cost_nano_usd: 0 });
  expect(gate.mock.stats().requests).toBe(1);
  expect((await gate.chat()).status).toBe(200);
});

test('a stream that waits hears comments, and then its answer', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}queue: { keep_alive: 1s }`,
  });
  const first = await occupy(gate);
  const second = ask(gate);
  const reply = await second.answer;
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  expect(gate.mock.stats().requests).toBe(1);
  first.leave();
  const text = await reply.text();
  expect(text).toMatch(/^: in line, 0 before you, for \d+ s at most\n\n/);
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  await atRest(gate);
  expect(gate.rows().map(({ outcome }) => outcome)).toContain('served');
});

test('a stream that has heard comments is told of its end in a frame', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}queue: { keep_alive: 1s, max_wait: 1100ms }`,
  });
  const first = await occupy(gate);
  const reply = await ask(gate).answer;
  expect(reply.status).toBe(200);
  const text = await reply.text();
  expect(text).toContain('"code":"queue_timeout"');
  expect(text).not.toContain('[DONE]');
  first.leave();
  await gate.mock.untilCallerLeft(1);
  await atRest(gate);
  expect(gate.rows().find(({ code }) => code === 'queue_timeout')).toMatchObject({
    outcome: 'refused',
    status: 200,
  });
});

test('a backend that fails after comments is told of in a frame, and another one is tried first', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}queue: { keep_alive: 1s }\nretries: { attempts: 2, backoff: 1ms }`,
  });
  const first = await occupy(gate);
  const reply = await ask(gate).answer;
  gate.mock.set({ fault: { kind: 'server_error' } });
  first.leave();
  const text = await reply.text();
  expect(text).toContain('"code":"backend_error"');
  expect(text).not.toContain('[DONE]');
  await atRest(gate);
  expect(gate.rows().find(({ code }) => code === 'backend_error')).toMatchObject({
    outcome: 'refused',
    attempts: 2,
    status: 200,
  });
});

test('the class of a key comes first; a header can only put its sender behind', async () => {
  await using gate = await startGateway({ backends: ONE_PLACE, config: SMALL });
  const urgent = await gate.gateway.operations.keys.create({
    name: 'urgent',
    tags: { priority: 'high' },
  });
  const first = await occupy(gate);
  const order: string[] = [];
  const wait = (name: string, { answer }: Asking) =>
    answer.then((reply) => reply.text()).then(() => order.push(name));
  const waits: Promise<unknown>[] = [];
  const join = async (name: string, asking: Asking) => {
    waits.push(wait(name, asking));
    await inLine(gate, waits.length);
  };
  await join('behind', ask(gate, { 'x-llmgate-priority': 'low' }));
  await join('usual', ask(gate));
  await join('pushing', ask(gate, { 'x-llmgate-priority': 'high' }));
  await join('urgent', ask(gate, {}, urgent.key));
  first.leave();
  await Promise.all(waits);
  expect(order).toEqual(['urgent', 'usual', 'pushing', 'behind']);
});

test('a class that does not exist is the fault of the caller', async () => {
  await using gate = await startGateway({ config: SMALL });
  const reply = await gate.chat({}, { 'x-llmgate-priority': 'vip' });
  expect([reply.status, reply.code]).toEqual([400, 'invalid_request']);
  expect(reply.text).toContain('high, normal, low');
  await atRest(gate);
});

test('a drained backend gets nothing new, and what runs there ends well', async () => {
  await using other = await startTestMock({ models: ['small'] });
  await using gate = await startGateway({
    backends: `mock: { type: vllm, url: "%MOCK%" }\n  other: { type: vllm, url: "${other.url}" }`,
    config: 'models:\n  small: { targets: [mock, other], balance: round_robin }',
  });
  gate.mock.script({ tokens: 20, tps: 200 });
  other.script({ tokens: 20, tps: 200 });
  const running = [ask(gate), ask(gate)];
  await Promise.all([gate.mock.untilRequests(1), other.untilRequests(1)]);
  const { drained, in_flight } = await gate.gateway.operations.drainBackend('mock');
  expect({ drained, in_flight }).toEqual({ drained: true, in_flight: 1 });
  for (let asked = 0; asked < 4; asked += 1) {
    expect((await gate.chat()).headers.get('x-llmgate-backend')).toBe('other');
  }
  for (const { answer } of running) expect(await (await answer).text()).toContain('[DONE]');
  await gate.gateway.operations.resumeBackend('mock');
  const seen = [await gate.chat(), await gate.chat()];
  expect(seen.map(({ headers }) => headers.get('x-llmgate-backend')).sort()).toEqual([
    'mock',
    'other',
  ]);
});

test('when every backend of a model is drained the caller gets a 503 at once', async () => {
  await using gate = await startGateway({ config: SMALL });
  await gate.gateway.operations.drainBackend('mock');
  const reply = await gate.chat();
  expect([reply.status, reply.code]).toEqual([503, 'no_backend_available']);
  await atRest(gate);
  expect(gate.mock.stats().requests).toBe(0);
});

test('the wait of who leaves the line is booked as one, not as time of the gateway', async () => {
  await using gate = await startGateway({ config: SMALL, backends: ONE_PLACE });
  const first = await occupy(gate);
  const second = ask(gate);
  await inLine(gate, 1);
  const sinceMs = performance.now();
  while (performance.now() - sinceMs < 20) await new Promise((resolve) => setImmediate(resolve));
  second.leave();
  first.leave();
  await gate.mock.untilCallerLeft(1);
  await gate.settled();
  expect(gate.log()).toMatch(/"code":"caller_gone".*"queue_ms":[1-9]\d/);
});

test('sound is not sent behind the comments of an event stream', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}queue: { keep_alive: 1s }`,
  });
  const first = await occupy(gate);
  const asked = { model: 'small', input: 'hi', voice: 'alloy', stream: true };
  const answer = await fetch(`${gate.url}/v1/audio/speech`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(asked),
  });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  first.leave();
  const text = await answer.text();
  expect(text).toMatch(/^: in line.*\n\ndata: \{"error":.*"backend_protocol_error"\}\}\n\n$/s);
});

test.each([
  { what: 'in line', backend: ONE_PLACE, code: 'queue_timeout' },
  {
    what: 'for a model server',
    backend:
      'mock: { type: vllm, url: "http://127.0.0.1:9", discover: false, metrics: off, process: { command: [/bin/sleep, "60"] } }',
    code: 'backend_loading',
  },
])('nobody waits $what for longer than a request may last', async ({ backend, code }) => {
  await using gate = await startGateway({
    backends: backend,
    config: `${SMALL}timeouts: { total: 1s, first_byte: 1s }`,
  });
  const first = code === 'queue_timeout' ? gate.chat() : null;
  if (first !== null) {
    gate.mock.set({ ttft_ms: 900 });
    await gate.mock.untilRequests(1);
  }
  const others = await Promise.all([gate.chat(), gate.chat(), gate.chat()]);
  expect(others.map((reply) => reply.code)).toContain(code);
  await first;
});

test('a backend is not to blame for who had waited in line for most of its time', async () => {
  await using gate = await startGateway({
    backends: ONE_PLACE,
    config: `${SMALL}timeouts: { total: 1s, first_byte: 1s }`,
  });
  gate.mock.set({ ttft_ms: 800 });
  const first = gate.chat();
  await gate.mock.untilRequests(1);
  expect((await gate.chat()).code).toBe('backend_timeout');
  expect((await first).status).toBe(200);
  const { backends } = await gate.gateway.operations.live(0, []);
  expect(backends.map(({ failures }) => failures)).toEqual([0]);
});
