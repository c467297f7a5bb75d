import { describe, expect, test } from 'vitest';
import type { DryRunInput, DryRunView } from '../../src/admin/dry-run-schemas.ts';
import { ExplainView } from '../../src/admin/explain-schemas.ts';
import { ROUTES } from '../../src/protocols/route.ts';
import { type Reply, startGateway, type TestGateway } from '../support/start-gateway.ts';

const BACKENDS = `mock: { type: vllm, url: "%MOCK%" }
  dead: { type: vllm, url: "http://127.0.0.1:9" }`;

const CONFIG = `models:
  small: { targets: [mock], aliases: [s], price: { input: 1.25, output: 2 }, max_output_tokens: 100 }
  shaky: { targets: [dead, { backend: mock, model: small }], balance: round_robin, price: { input: 1, output: 1 } }
  lost: { targets: [dead] }
  spare: { targets: [dead], fallback: [small] }
  secret: { targets: [mock] }
  ruled: { targets: [mock, dead], rules: [{ when: { header: { x-tier: gold } }, targets: [mock] }] }
limits:
  - { per: key, requests: 50/m }
budgets:
  - { per: user, usd: 1, window: day }`;

const WHO = { user: 'ann', team: 'lab', models: ['small', 'shaky', 'lost', 'spare', 'ruled'] };

function start(config = CONFIG, key: object = WHO): Promise<TestGateway> {
  return startGateway({ backends: BACKENDS, config, key, mock: { behaviour: { tokens: 7 } } });
}

const idOf = ({ headers }: Reply): string => headers.get('x-request-id') ?? '';

function explain(gate: TestGateway, ref: string): Promise<ExplainView> {
  return gate.gateway.operations.explain.request(ref);
}

/** Stages that did not simply pass, by their verdicts. */
function verdicts({ stages }: ExplainView): Record<string, string> {
  const others = stages.filter(({ verdict }) => verdict !== 'passed');
  return Object.fromEntries(others.map(({ stage, verdict }) => [stage, verdict]));
}

describe('a request that was made', () => {
  test('the usual way: who, what, when, and the price to the last digit', async () => {
    await using gate = await start();
    const reply = await gate.chat({ model: 's' }, { 'x-llmgate-tags': 'app=x' });
    const found = await explain(gate, idOf(reply));
    expect(ExplainView.parse(found)).toEqual(found);
    expect(found).toMatchObject({
      ...{ id: idOf(reply), state: 'finished', known_from: ['books'], attempt_count: 1 },
      who: { key_id: gate.keyId, key_name: 'caller', user: 'ann', team: 'lab', tenant: null },
      what: { model: 'small', backend: 'mock', outcome: 'served', status: 200, streamed: false },
      attempts: [{ attempt: 1, backend: 'mock', code: null, status: 200, reason: null }],
      usage: { source: 'reported', estimated: false, output_tokens: 7 },
      counted_to: [{ target: 'user/ann', window: 'day', limit_usd: '1' }],
      audit: { chain: 'requests', seq: 1 },
    });
    expect(found.who.tags).toEqual({ app: 'x' });
    const inputTokens = found.usage?.input_tokens ?? 0;
    expect(found.cost).toEqual({
      above_input_tokens: null,
      cost_usd: String((inputTokens * 1.25 + 14) / 1e6),
      exact_usd: String((inputTokens * 1.25 + 14) / 1e6),
      agrees: true,
      lines: [
        {
          ...{ what: 'input', count: inputTokens, rate_usd: '1.25' },
          usd: expect.stringMatching(/^0\.0000\d+$/),
        },
        { what: 'output', count: 7, rate_usd: '2', usd: '0.000014' },
      ],
    });
    expect(verdicts(found)).toEqual({});
    expect(found.unknown).toHaveLength(1);
  });

  test('every attempt, why that backend, and what followed', async () => {
    await using gate = await start();
    const found = await explain(gate, idOf(await gate.chat({ model: 'shaky' })));
    expect(found).toMatchObject({
      ...{ known_from: ['books', 'memory'], attempt_count: 2, unknown: [] },
      what: { model: 'shaky', backend: 'mock', answered_by: 'small', outcome: 'served' },
      attempts: [
        {
          ...{ backend: 'dead', reason: 'round_robin', why: 'it was its turn', status: null },
          ...{ code: 'no_backend_available', next: 'mock was asked next' },
        },
        { backend: 'mock', code: null, status: 200, next: 'its answer went to the caller' },
      ],
    });
    const [first, second] = found.attempts;
    expect(first?.end_ms).toBeLessThanOrEqual(second?.start_ms ?? 0);
    expect(second?.first_token_ms).toBeGreaterThan(second?.start_ms ?? Infinity);
  });

  test('a fallback says so, where it happened', async () => {
    await using gate = await start();
    const found = await explain(gate, idOf(await gate.chat({ model: 'spare', stream: true })));
    expect(found.what).toMatchObject({ model: 'spare', backend: 'mock', answered_by: 'small' });
    expect(found.attempts[0]?.next).toBe(
      'falls back to small: no_backend_available; mock was asked next',
    );
    const forward = found.stages.find(({ stage }) => stage === 'forward');
    expect(forward?.words[0]).toBe('falls back to small: no_backend_available');
  });

  test.each([
    [{ model: 'none' }, 404, 'authorize', 'model_not_found', 0],
    [{ model: 'small', n: 0 }, 400, 'read', 'invalid_request', 0],
    [{ model: 'lost' }, 503, 'forward', 'no_backend_available', 1],
  ])('refused: %j', async (body, status, stage, code, attempts) => {
    await using gate = await start(`${CONFIG}\nretries: { attempts: 1 }`);
    const reply = await gate.chat(body);
    expect(reply.status).toBe(status);
    const found = await explain(gate, idOf(reply));
    expect(found.what).toMatchObject({ outcome: 'refused', code, status });
    expect(found.attempts.length).toBeLessThanOrEqual(attempts);
    expect(found.stages.find(({ verdict }) => verdict === 'ended')?.stage).toBe(stage);
    expect(found.stages.at(-1)).toMatchObject({ stage: 'settle', verdict: 'passed' });
    expect(found.counted_to).toEqual([]);
  });

  test('one in flight: what it does now', async () => {
    await using gate = await start();
    gate.mock.set({ ttft_ms: 60_000 });
    const leave = new AbortController();
    const answer = fetch(`${gate.url}/v1/chat/completions`, {
      ...{ method: 'POST', signal: leave.signal },
      headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 's', messages: [{ role: 'user', content: 'hi' }] }),
    }).catch(() => {});
    await gate.mock.untilRequests(1);
    const { requests } = await gate.gateway.operations.live(0);
    const id = requests?.[0]?.id ?? '';
    const found = await explain(gate, id.slice(0, 30));
    expect(ExplainView.parse(found)).toEqual(found);
    expect(found).toMatchObject({
      ...{ id, state: 'in_flight', known_from: ['flight'], usage: null, cost: null, audit: null },
      what: { model: 'small', backend: 'mock', answered_by: 'small', outcome: null },
      attempts: [{ backend: 'mock', reason: 'only', end_ms: null, code: null }],
    });
    expect(verdicts(found)).toEqual({
      ...{ forward: 'running', meter: 'not_reached', settle: 'not_reached' },
    });
    leave.abort();
    await answer;
    await gate.mock.untilCallerLeft(1);
    await gate.settled();
    expect(await explain(gate, id)).toMatchObject({
      state: 'finished',
      what: { outcome: 'cut_by_caller', status: 499 },
    });
  });

  test('beginnings of ids: one, several, none, and what is no id', async () => {
    await using gate = await start();
    const one = idOf(await gate.chat());
    await gate.chat();
    expect((await explain(gate, one.toUpperCase().replaceAll('-', ''))).id).toBe(one);
    await expect(explain(gate, one.slice(0, 6))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(one),
    });
    await expect(explain(gate, 'ffff')).rejects.toMatchObject({ code: 'not_found' });
    await expect(explain(gate, 'xyz%')).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('a request that is not made', () => {
  const dry = (gate: TestGateway, order: Partial<DryRunInput>): Promise<DryRunView> =>
    gate.gateway.operations.explain.dryRun({ key: 'caller', ...order });

  const refusals: {
    name: string;
    order: Partial<DryRunInput>;
    body?: Record<string, unknown>;
    stage: string;
  }[] = [
    { name: 'a hidden model', order: { model: 'secret' }, stage: 'authorize' },
    { name: 'a model that is not there', order: { model: 'none' }, stage: 'authorize' },
    {
      name: 'a body that cannot be used',
      order: { body: '{"model":"small"}' },
      body: { messages: undefined },
      stage: 'read',
    },
    {
      name: 'a class that there is not',
      order: { model: 'small', headers: { 'x-llmgate-priority': 'royal' } },
      stage: 'queue',
    },
    {
      name: 'an answer that no budget can pay',
      order: {
        body: JSON.stringify({ model: 'shaky', max_tokens: 2e6, messages: [hello()] }),
      },
      body: { model: 'shaky', max_tokens: 2e6 },
      stage: 'reserve',
    },
  ];

  test.each(refusals)('refused as the caller would be: $name', async ({ order, body, stage }) => {
    await using gate = await start();
    const found = await dry(gate, order);
    expect(found.would).toBe('be_refused');
    const fields = body ?? { model: order.model };
    const reply = await gate.chat({ model: 'small', ...fields }, order.headers);
    const { error } = JSON.parse(reply.text);
    expect(found.refusal).toMatchObject({ stage, status: reply.status, code: reply.code });
    // What is held or left may be worded with figures that the estimate of the prompt is part of.
    if (stage !== 'reserve') expect(found.refusal?.message).toBe(error.message);
  });

  test('every reason shows at once, where it can', async () => {
    const config = CONFIG.replace('50/m', '1/m');
    await using gate = await start(config);
    await gate.chat();
    const body = JSON.stringify({ max_tokens: 2e6, messages: [hello()] });
    const found = await dry(gate, { model: 'shaky', body });
    const refused = found.stages.filter(({ verdict }) => verdict === 'refuses');
    expect(refused.map(({ stage }) => stage)).toEqual(['limit', 'reserve']);
    expect(found.refusal).toMatchObject({ stage: 'limit', code: 'rate_limit_exceeded' });
    expect(found.limits).toMatchObject([{ remaining: 0, admits: false }]);
    expect(found.budgets).toMatchObject([{ target: 'user/ann', fits: false }]);
    expect(found.stages.find(({ stage }) => stage === 'queue')?.verdict).toBe('passes');
  });

  test('nothing is taken, counted, written or sent', async () => {
    await using gate = await start();
    const { operations } = gate.gateway;
    await gate.chat();
    const before = await operations.status();
    const asked = gate.mock.requests().length;
    const room = (await dry(gate, { model: 'shaky' })).limits[0]?.remaining ?? 0;
    for (let round = 0; round < 3; round += 1) {
      await dry(gate, { model: 'shaky', headers: { 'x-llmgate-tags': `n=${round}` } });
      await dry(gate, { model: 'secret' });
    }
    const { started_at: _, ...after } = await operations.status();
    expect(before).toMatchObject(after);
    expect(gate.mock.requests()).toHaveLength(asked);
    expect(gate.rows()).toHaveLength(1);
    expect(gate.openRows()).toBe(0);
    // The next real one gets the target that it would have got.
    const looked = await dry(gate, { model: 'shaky' });
    expect(looked.limits[0]?.remaining).toBeGreaterThanOrEqual(room);
    const made = await explain(gate, idOf(await gate.chat({ model: 'shaky' })));
    expect(made.attempts[0]?.backend).toBe(looked.place?.backend);
  });

  test('what would be changed on the way, and what it would cost', async () => {
    await using gate = await start();
    const body = JSON.stringify({ model: 'x', stream: true, messages: [hello()] });
    const headers = { cookie: 'secret-cookie', 'X-App': 'y' };
    const found = await dry(gate, { model: 's', body, headers });
    expect(found).toMatchObject({
      ...{ would: 'be_sent', asked_model: 's', model: 'small' },
      place: { backend: 'mock', backend_model: 'small', reason: 'only' },
      sending: {
        edits: [
          { member: 'model', before: '"s"', after: '"small"' },
          { member: 'stream_options', before: null, after: '{"include_usage":true}' },
          { member: 'max_tokens', before: null, after: '100' },
        ],
        headers_removed: ['cookie'],
      },
      hold: { output_tokens: 100, output_limit: 100, shrunk: false },
      cost: { backend: 'mock', longest: { output_tokens: 100 } },
    });
    const { input_tokens: input = 0, longest } = found.cost ?? {};
    expect(longest?.cost_usd).toBe(String((input * 1.25 + 200) / 1e6));
    expect(JSON.stringify(found)).not.toContain('secret-cookie');
  });

  test('rules, fallbacks, drained backends and targets that are left out', async () => {
    await using gate = await start();
    await gate.gateway.operations.drainBackend('dead');
    const ruled = await dry(gate, { model: 'ruled', headers: { 'x-tier': 'gold' } });
    expect(ruled.plan?.rule).toBe(1);
    expect(ruled.targets).toMatchObject([
      { backend: 'mock', part: 'first', usable: true, why_not: null },
      { backend: 'dead', part: 'left_out', usable: false, why_not: 'rule 1 names others' },
    ]);
    const spare = await dry(gate, { model: 'spare' });
    expect(spare.targets).toMatchObject([
      { backend: 'dead', part: 'first', drained: true, why_not: 'it is drained' },
      { backend: 'mock', part: 'fallback', usable: true },
    ]);
    expect(spare).toMatchObject({ would: 'be_sent', place: { backend: 'mock' } });
    const lost = await dry(gate, { model: 'lost' });
    expect(lost.refusal).toMatchObject({ stage: 'queue', code: 'no_backend_available' });
  });

  test('labels and prices leave targets out', async () => {
    await using gate = await startGateway({
      backends: `mock: { type: vllm, url: "%MOCK%", labels: [local] }
  dead: { type: vllm, url: "http://127.0.0.1:9" }`,
      config: `unpriced_models: deny
models:
  small:
    targets: [{ backend: mock, price: { input: 1, output: 1 } }, dead]
    rules: [{ when: { header: { x-data: secret } }, labels: [local] }]
  dear: { targets: [mock, dead], price: { input: 1, output: 1 },
    rules: [{ when: { stream: false }, labels: [local] }] }`,
    });
    const why = async (model: string) =>
      (await dry(gate, { model })).targets.map(({ backend, why_not }) => [backend, why_not]);
    expect(await why('small')).toEqual([
      ['mock', null],
      ['dead', 'it has no price'],
    ]);
    expect(await why('dear')).toEqual([
      ['mock', null],
      ['dead', 'it is not labelled local'],
    ]);
  });

  test('full backends: it would wait, and says behind how many', async () => {
    await using gate = await startGateway({
      backends: 'mock: { type: vllm, url: "%MOCK%", max_concurrency: 1 }',
    });
    gate.mock.set({ ttft_ms: 60_000 });
    const leave = new AbortController();
    const ask = () =>
      fetch(`${gate.url}/v1/chat/completions`, {
        ...{ method: 'POST', signal: leave.signal },
        headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'small', messages: [hello()] }),
      }).catch(() => {});
    const asked = [ask()];
    await gate.mock.untilRequests(1);
    const found = await dry(gate, { model: 'small' });
    expect(found).toMatchObject({
      ...{ would: 'wait', place: null, waits_behind: 0, refusal: null },
      targets: [{ in_flight: 1, places: 1, why_not: 'its only place is taken' }],
    });
    leave.abort();
    await Promise.all(asked);
    await gate.mock.untilCallerLeft(1);
  });

  test('a budget that shortens answers does so', async () => {
    const config = CONFIG.replace('usd: 1,', 'usd: 0.001, on_exceed: shrink,');
    await using gate = await start(config);
    const body = JSON.stringify({ max_tokens: 5_000, messages: [hello()] });
    const found = await dry(gate, { model: 'shaky', body });
    expect(found).toMatchObject({ would: 'be_sent', hold: { shrunk: true } });
    expect(found.hold?.output_limit).toBeLessThan(1_000);
    const asked = { model: 'shaky', max_tokens: 5_000, messages: [hello()] };
    const made = await explain(gate, idOf(await gate.chat(asked)));
    const reserve = made.stages.find(({ stage }) => stage === 'reserve');
    expect(reserve?.words).toEqual([
      `budgets leave room for ${found.hold?.output_limit} tokens of output`,
      expect.stringContaining(`$${found.hold?.usd} was held`),
    ]);
    expect(found.sending?.edits).toContainEqual({
      ...{ member: 'max_tokens', before: '5000', after: String(found.hold?.output_limit) },
    });
  });

  test('the least body of every endpoint is one that is taken', async () => {
    await using gate = await start();
    const paths = ROUTES.filter(({ method, body }) => method === 'POST' && body !== 'form');
    expect(paths.length).toBeGreaterThan(12);
    for (const { path, endpoint } of paths) {
      const found = await dry(gate, { model: 'small', endpoint: path });
      expect({ path, refusal: found.refusal }).toEqual({ path, refusal: null });
      expect(await dry(gate, { model: 'small', endpoint })).toMatchObject({ endpoint });
    }
  });

  test('a key that may not be used, and what is not there', async () => {
    await using gate = await start();
    await gate.gateway.operations.keys.suspend('caller');
    expect((await dry(gate, { model: 'small' })).refusal).toMatchObject({
      ...{ stage: 'authenticate', status: 401, code: 'key_suspended' },
    });
    await expect(dry(gate, { key: 'nobody', model: 's' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(dry(gate, { model: 's', endpoint: 'models' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(dry(gate, { model: 's', headers: { 'a b': 'c' } })).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

function hello() {
  return { role: 'user', content: 'hello' };
}
