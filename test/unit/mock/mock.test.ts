import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../support/fake-clock.ts';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock, type TestMock } from '../../support/start-mock.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };
const forEver = { tps: 0.001, tokens: 100 };

describe('what it saw', () => {
  test('a request, without its secrets', async () => {
    await using mock = await startTestMock({ clock: createFakeClock() });
    await mock.post('/v1/chat/completions?a=b', chat, undefined, {
      headers: {
        authorization: 'Bearer sk-secret',
        'x-api-key': 'sk-secret',
        'x-request-id': 'r1',
        'X-Custom': 'kept',
      },
    });
    const body = JSON.stringify(chat);
    expect(mock.requests()).toEqual([
      {
        id: 1,
        connection: 1,
        request_on_connection: 1,
        method: 'POST',
        path: '/v1/chat/completions',
        query: 'a=b',
        headers: expect.objectContaining({
          authorization: '[redacted]',
          'x-api-key': '[redacted]',
          'x-custom': 'kept',
        }),
        authorized: true,
        x_request_id: 'r1',
        body_bytes: body.length,
        body_sha256: new Bun.CryptoHasher('sha256').update(body).digest('hex'),
        body,
        model: 'm',
        stream: false,
        started_at: '2026-11-18T10:30:00.000Z',
        ended_at: '2026-11-18T10:30:00.000Z',
        ended_by: 'complete',
        fault: null,
        status: 200,
        duration_ms: 0,
        prompt_tokens: 1,
        tokens_sent: 16,
      },
    ]);
  });

  test('long bodies are known by size and digest alone', async () => {
    await using mock = await startTestMock();
    const body = JSON.stringify({ ...chat, padding: 'x'.repeat(1_000_000) });
    await mock.post('/v1/chat/completions', JSON.parse(body) as object);
    expect(mock.requests()[0]).toMatchObject({
      body: null,
      body_bytes: body.length,
      body_sha256: new Bun.CryptoHasher('sha256').update(body).digest('hex'),
    });
  });

  test('the log is bounded and says how much it forgot', async () => {
    await using mock = await startTestMock({ logRequests: 2 });
    for (let i = 0; i < 5; i++) await mock.chat();
    expect(mock.requests().map(({ id }) => id)).toEqual([4, 5]);
    expect(mock.stats()).toMatchObject({ requests: 5, log_dropped: 3 });
  });

  test('a caller who sends without end ahead of the answer is dropped', async () => {
    await using mock = await startTestMock();
    const header = { 'x-mock': '{"ttft_ms":1000000}' };
    const caller = callMock(mock.port, renderPost('/v1/chat/completions', chat, header));
    await mock.untilRequests(1);
    caller.write('x'.repeat(2_000_000));
    expect(await caller.ended).toBe('reset');
    await mock.untilCallerLeft(1);
  });

  test('connections and how often they are used again', async () => {
    await using mock = await startTestMock();
    const caller = callMock(mock.port, renderPost('/v1/chat/completions', chat).repeat(2));
    await mock.untilRequests(2);
    caller.write(renderPost('/v1/chat/completions', chat));
    await mock.untilRequests(3);
    caller.finish();
    await caller.ended;
    const places = mock.requests().map((seen) => [seen.connection, seen.request_on_connection]);
    expect(places).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    expect(mock.stats()).toMatchObject({ connections: 1, open_connections: 0 });
  });

  test('probes are apart from requests', async () => {
    await using mock = await startTestMock();
    for (const path of ['/v1/models', '/health', '/metrics', '/version', '/']) {
      expect((await fetch(mock.url + path)).status).toBe(200);
    }
    expect((await fetch(mock.url, { method: 'HEAD' })).status).toBe(200);
    await mock.chat();
    expect(mock.stats()).toMatchObject({ requests: 1, probes: 6 });
    expect(mock.requests()).toHaveLength(1);
    expect(mock.requests({ probes: true })).toHaveLength(7);
    // They cost the engine nothing.
    const metrics = await (await fetch(`${mock.url}/metrics`)).text();
    expect(metrics).toContain(
      'vllm:e2e_request_latency_seconds_count{engine="0",model_name="m"} 1\n',
    );
    expect(metrics).toContain('num_requests_running{engine="0",model_name="mock-model"} 0\n');
    expect(metrics).not.toMatch(/e2e_request_latency_seconds_count.*"mock-model"} [^0]/);
  });

  test('probes go well while requests fail, and health needs no key', async () => {
    const fault = { kind: 'server_error' } as const;
    await using mock = await startTestMock({ apiKey: 'k', behaviour: { fault } });
    expect((await fetch(`${mock.url}/health`)).status).toBe(200);
    expect((await fetch(`${mock.url}/v1/models`)).status).toBe(401);
    const headers = { authorization: 'Bearer k' };
    expect((await fetch(`${mock.url}/v1/models`, { headers })).status).toBe(200);
    expect((await mock.chat({}, undefined, { headers })).status).toBe(500);
  });
});

describe('a caller who leaves', () => {
  const leavings: [string, object, object, object][] = [
    ['between tokens', { stream: true }, { ttft_ms: 0, ...forEver }, { tokens_sent: 1 }],
    ['before the first token', { stream: true }, { ttft_ms: 1e6 }, { tokens_sent: 0 }],
    ['before a whole answer', {}, { ttft_ms: 1e6 }, { tokens_sent: 0, status: null }],
    ['in a stall', {}, { fault: { kind: 'stall' } }, { tokens_sent: 0, status: null }],
  ];
  test.each(leavings)('%s', async (_when, fields, behaviour, seen) => {
    await using mock = await startTestMock({ maxConcurrent: 1, maxQueued: 1 });
    const leave = new AbortController();
    const reply = mock.chat(fields, behaviour, { signal: leave.signal }).then(
      async (response) => void (await response.text()),
      () => {},
    );
    await mock.untilRequests(1);
    leave.abort();
    await mock.untilCallerLeft(1);
    await reply.catch(() => {});
    expect(mock.requests()[0]).toMatchObject({ ended_by: 'caller_left', ...seen });
    expect(mock.stats()).toMatchObject({
      in_flight: 0,
      completed: 0,
      left_by_caller: 1,
      streams_left_by_caller: 'stream' in fields ? 1 : 0,
    });
    // The only place is free again.
    expect((await mock.chat()).status).toBe(200);
  });

  test('gets no more tokens, and neither do the counts', async () => {
    await using mock = await startTestMock();
    const leave = new AbortController();
    const behaviour = { tps: 500, tokens: 1000 };
    const reply = await mock.chat({ stream: true }, behaviour, { signal: leave.signal });
    await reply.body?.getReader().read();
    leave.abort();
    await mock.untilCallerLeft(1);
    const [left] = mock.requests();
    // Long enough for many more tokens at that rate.
    await mock.chat({}, { ttft_ms: 30, tokens: 0 });
    expect(mock.requests()[0]).toEqual(left);
    expect(mock.stats()).toMatchObject({ completion_tokens: left?.tokens_sent, left_by_caller: 1 });
  });

  test('while reading slowly: what was made is bounded by what it takes', async () => {
    await using mock = await startTestMock();
    const tokens = 80_000;
    const caller = callMock(mock.port, '');
    caller.pause();
    caller.write(
      renderPost(
        '/v1/chat/completions',
        { ...chat, stream: true },
        {
          'x-mock': JSON.stringify({ tokens }),
        },
      ),
    );
    await mock.untilRequests(1);
    const made = mock.stats().completion_tokens;
    expect(made).toBeLessThan(tokens / 2);
    caller.resume();
    await caller.until('data: [DONE]');
    await mock.untilIdle();
    expect(mock.requests()[0]).toMatchObject({ ended_by: 'complete', tokens_sent: tokens });
    const words = caller.text.match(/"content":"[^"]+"/g) ?? [];
    expect(words).toHaveLength(tokens);
    caller.leave();
  });
});

describe('the batch', () => {
  test('requests past --max-concurrent wait in order; past the queue 503', async () => {
    await using mock = await startTestMock({ maxConcurrent: 1, maxQueued: 2 });
    const leave = new AbortController();
    const first = mock.chat({}, { ttft_ms: 1e6 }, { signal: leave.signal }).catch(() => {});
    await mock.untilRequests(1);
    const second = mock.chat({}, { ttft_ms: 20 });
    await mock.untilRequests(2);
    const third = mock.chat();
    await mock.untilRequests(3);
    expect((await mock.chat()).status).toBe(503);
    expect(mock.stats()).toMatchObject({ in_flight: 3, queued: 2 });
    const gauges = async () => {
      const metrics = await (await fetch(`${mock.url}/metrics`)).text();
      return metrics.match(/(?<=^vllm:num_requests_.*"m"} ).*/gm)?.map(Number);
    };
    expect(await gauges()).toEqual([1, 2]);
    leave.abort();
    await first;
    await mock.untilCallerLeft(1);
    expect(await gauges()).toEqual([1, 1]);
    expect([(await second).status, (await third).status]).toEqual([200, 200]);
    expect(mock.stats()).toMatchObject({ in_flight: 0, queued: 0, completed: 2, refused: 1 });
  });

  test('who leaves the queue is forgotten', async () => {
    await using mock = await startTestMock({ maxConcurrent: 1 });
    const leave = new AbortController();
    const first = mock.chat({}, { ttft_ms: 1e6 }, { signal: leave.signal }).catch(() => {});
    await mock.untilRequests(1);
    const leaveQueue = new AbortController();
    const second = mock.chat({}, {}, { signal: leaveQueue.signal }).catch(() => {});
    await mock.untilRequests(2);
    leaveQueue.abort();
    await second;
    await mock.untilCallerLeft(1);
    expect(mock.stats()).toMatchObject({ in_flight: 1, queued: 0 });
    // The place in the batch is still taken.
    const third = mock.chat();
    await mock.untilRequests(3);
    expect(mock.stats()).toMatchObject({ in_flight: 2, queued: 1 });
    leave.abort();
    await first;
    expect((await third).status).toBe(200);
  });
});

describe('scripts', () => {
  const ask = async (mock: TestMock, fields: object = {}, behaviour?: object) => {
    const reply = await mock.chat(fields, behaviour);
    return reply.status;
  };

  test('steps go to the next requests in order, then things are as before', async () => {
    await using mock = await startTestMock();
    mock.script({ fault: { kind: 'loading' }, times: 2 }, { fault: { kind: 'server_error' } }, {});
    expect(mock.stats().script_left).toBe(4);
    const statuses = [
      await ask(mock),
      await ask(mock),
      await ask(mock),
      await ask(mock),
      await ask(mock),
    ];
    expect(statuses).toEqual([503, 503, 500, 200, 200]);
    expect(mock.stats()).toMatchObject({ script_left: 0, faults: 3, completed: 2 });
  });

  test('a step can wait for its path, model or method', async () => {
    await using mock = await startTestMock();
    mock.script(
      { match: { path: '/v1/models' }, fault: { kind: 'status', status: 502 } },
      { match: { model: 'big' }, fault: { kind: 'loading' } },
    );
    expect(await ask(mock, { model: 'small' })).toBe(200);
    expect(await ask(mock, { model: 'big' })).toBe(503);
    expect((await fetch(`${mock.url}/v1/models`)).status).toBe(502);
    expect((await fetch(`${mock.url}/v1/models`)).status).toBe(200);
  });

  test('the nearest setting wins: script over header over defaults', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 1, text: 'a b c d' } });
    const count = async (behaviour?: object) => {
      await mock.chat({}, behaviour);
      return mock.requests().at(-1)?.tokens_sent;
    };
    expect(await count()).toBe(4);
    expect(await count({ text: 'a b' })).toBe(2);
    mock.script({ text: 'a b c' });
    expect(await count({ text: 'a b' })).toBe(3);
  });

  test.each([
    ['x-mock', '{"tps":"fast"}', 'tps: Invalid input: expected number, received string'],
    [
      'x-mock',
      '{"fault":{"kind":"fire"}}',
      'fault.kind: no such kind; there are status, rate_limit,',
    ],
    ['x-mock', '{"fault":[{"kind":"reset","after":1}]}', 'fault.0: Unrecognized key: "after"'],
    ['x-mock', '{', 'x-mock: not JSON'],
  ])('%s: %s is refused with a reason', async (name, value, reason) => {
    await using mock = await startTestMock();
    const reply = await mock.chat({}, undefined, { headers: { [name]: value } });
    expect(reply.status).toBe(400);
    expect(await reply.text()).toContain(JSON.stringify(reason).slice(1, -1));
    expect(() => mock.script({ tps: -1 })).toThrow('0.tps:');
  });
});

describe('answers', () => {
  test('are the same for the same prompt, others for another prompt or seed', async () => {
    const answer = async (mock: TestMock, content: string) => {
      const reply = await mock.chat({ messages: [{ role: 'user', content }] });
      const { choices } = (await reply.json()) as { choices: { message: { content: string } }[] };
      return choices[0]?.message.content;
    };
    await using one = await startTestMock({ seed: 1 });
    await using two = await startTestMock({ seed: 2 });
    const said = await answer(one, 'hello');
    expect(await answer(one, 'hello')).toBe(said);
    expect(await answer(one, 'hello!')).not.toBe(said);
    expect(await answer(two, 'hello')).not.toBe(said);
  });

  test('stay in the context, or are refused in the words of vLLM', async () => {
    await using mock = await startTestMock({ contextTokens: 10, behaviour: { tokens: 50 } });
    const content = 'one two three';
    const messages = [{ role: 'user', content }];
    const reply = await mock.chat({ messages });
    expect(await reply.json()).toMatchObject({
      usage: { completion_tokens: 7 },
      choices: [{ finish_reason: 'length' }],
    });
    const refused = await mock.chat({ messages, max_tokens: 8 });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('maximum context length is 10 tokens');
  });

  test('go on to max_tokens with ignore_eos, as load tests want', async () => {
    await using mock = await startTestMock({ behaviour: { tokens: 5 } });
    const length = async (fields: object) => {
      await mock.chat(fields);
      return mock.requests().at(-1)?.tokens_sent;
    };
    expect(await length({ max_tokens: 40 })).toBe(5);
    expect(await length({ max_tokens: 40, ignore_eos: true })).toBe(40);
    expect(await length({ ignore_eos: true })).toBe(5);
  });

  test('begin with the first token, or with early_head at once', async () => {
    await using mock = await startTestMock();
    const request = (behaviour: object) =>
      renderPost(
        '/v1/chat/completions',
        { ...chat, stream: true },
        { 'x-mock': JSON.stringify({ ttft_ms: 1e6, ...behaviour }) },
      );
    const early = callMock(mock.port, request({ early_head: true }));
    await early.until(/200 OK[\s\S]*\r\n\r\n$/);
    const usual = callMock(mock.port, request({}));
    await mock.untilRequests(2);
    expect(mock.requests().map(({ status }) => status)).toEqual([200, null]);
    early.leave();
    usual.leave();
  });

  test('a caller who invents model names does not fill the metrics', async () => {
    await using mock = await startTestMock();
    for (let i = 0; i < 70; i++) await mock.chat({ model: `m${i}` });
    const metrics = await (await fetch(`${mock.url}/metrics`)).text();
    expect(metrics.match(/^vllm:prompt_tokens_total/gm)).toHaveLength(65);
    expect(metrics).toContain('vllm:prompt_tokens_total{engine="0",model_name="other"} 21\n');
  });

  test('fail as often as asked, the same ones for the same seed', async () => {
    const statuses = async () => {
      await using mock = await startTestMock({
        seed: 7,
        behaviour: { fail_rate: 0.3, fail_status: 503 },
      });
      const all: number[] = [];
      for (let i = 0; i < 100; i++) all.push((await mock.chat()).status);
      return all;
    };
    const first = await statuses();
    expect(await statuses()).toEqual(first);
    const failed = first.filter((status) => status === 503).length;
    expect(failed).toBeGreaterThan(15);
    expect(failed).toBeLessThan(45);
  });

  test('the tokens that the metrics count are the tokens that were sent', async () => {
    await using mock = await startTestMock();
    await mock.chat({}, { tokens: 5 });
    await (await mock.chat({ stream: true, n: 2 }, { tokens: 7 })).text();
    const metrics = await (await fetch(`${mock.url}/metrics`)).text();
    const labels = 'engine="0",model_name="m"';
    for (const line of [
      `vllm:prompt_tokens_total{${labels}} 6`,
      `vllm:generation_tokens_total{${labels}} 19`,
      `vllm:request_success_total{${labels},finished_reason="stop"} 2`,
      `vllm:time_to_first_token_seconds_count{${labels}} 2`,
      `vllm:e2e_request_latency_seconds_bucket{${labels},le="+Inf"} 2`,
      `vllm:inter_token_latency_seconds_count{${labels}} 6`,
      `vllm:num_requests_running{${labels}} 0`,
      `vllm:kv_cache_usage_perc{${labels}} 0`,
    ]) {
      expect(metrics).toContain(`${line}\n`);
    }
  });
});

describe('the listener', () => {
  test('refuses and takes connections again on the same port; open ones stay', async () => {
    await using mock = await startTestMock();
    const caller = callMock(mock.port, renderPost('/v1/chat/completions', chat));
    await mock.untilRequests(1);
    mock.refuse();
    await expect(mock.chat({}, {}, { keepalive: false })).rejects.toThrow();
    caller.write(renderPost('/v1/chat/completions', chat));
    await mock.untilRequests(2);
    mock.accept();
    expect((await mock.chat()).status).toBe(200);
    caller.leave();
  });

  test('resets what it accepts as often as asked', async () => {
    await using mock = await startTestMock();
    mock.resetNext(2);
    const ends = [];
    for (let i = 0; i < 3; i++) {
      const caller = callMock(mock.port, 'GET /health HTTP/1.0\r\n\r\n');
      ends.push(await caller.ended);
    }
    expect(ends).toEqual(['reset', 'reset', 'fin']);
  });

  test('waiting in vain says what there was', async () => {
    await using mock = await startTestMock();
    await expect(mock.untilRequests(3, 1)).rejects.toThrow(/waited 1 ms in vain: .*"requests":0/);
  });

  test('stop ends what is open', async () => {
    const mock = await startTestMock();
    const caller = callMock(
      mock.port,
      renderPost('/v1/chat/completions', chat, {
        'x-mock': '{"ttft_ms":1000000}',
      }),
    );
    await mock.untilRequests(1);
    await mock.stop();
    expect(await caller.ended).toBe('reset');
    expect(mock.requests()[0]?.ended_by).toBe('mock_stopped');
  });
});

describe('over HTTP', () => {
  const control = async (mock: TestMock, method: string, path: string, body?: unknown) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const reply = await fetch(`${mock.url}/mock/${path}`, { method, ...init });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };

  test('a tester outside the process can do it all', async () => {
    await using mock = await startTestMock();
    expect(await control(mock, 'POST', 'script', [{ fault: { kind: 'loading' } }, {}])).toEqual({
      status: 200,
      body: { left: 2 },
    });
    expect((await mock.chat({}, {}, { headers: { 'x-request-id': 'r1' } })).status).toBe(503);
    await control(mock, 'POST', 'behaviour', { tokens: 2 });
    await mock.chat();
    const { body } = await control(mock, 'GET', 'requests');
    expect(body['requests']).toMatchObject([
      { id: 1, status: 503 },
      { id: 2, tokens_sent: 2 },
    ]);
    expect((await control(mock, 'GET', 'requests?after=1')).body['requests']).toHaveLength(1);
    expect((await control(mock, 'GET', 'requests?x_request_id=r1')).body['requests']).toHaveLength(
      1,
    );
    expect((await control(mock, 'GET', 'stats')).body).toMatchObject({ requests: 2, faults: 1 });
    await control(mock, 'POST', 'reset');
    expect((await control(mock, 'GET', 'stats')).body).toMatchObject({ requests: 0, faults: 0 });
    await mock.chat();
    expect(mock.requests()[0]?.tokens_sent).toBe(16);
  });

  test('refuses for a while, or resets the next connections', async () => {
    await using mock = await startTestMock();
    const refused = mock.until(({ is_listening }) => !is_listening);
    await control(mock, 'POST', 'refuse?for_ms=5');
    await refused;
    await mock.until(({ is_listening }) => is_listening);
    await control(mock, 'POST', 'refuse?connections=1');
    expect(await callMock(mock.port, '').ended).toBe('reset');
    expect((await mock.chat()).status).toBe(200);
  });

  test.each([
    ['POST', 'script', '{"ttft_ms":-1}', 400],
    ['POST', 'script', '{', 400],
    ['POST', 'refuse?for_ms=soon', undefined, 400],
    ['GET', 'requests?after=-1', undefined, 400],
    ['GET', 'nothing', undefined, 404],
  ])('%s /mock/%s %s gets %d', async (method, path, body, status) => {
    await using mock = await startTestMock();
    const init = body === undefined ? {} : { body };
    const reply = await fetch(`${mock.url}/mock/${path}`, { method, ...init });
    expect(reply.status).toBe(status);
    expect(Object.keys((await reply.json()) as object)).toEqual(['error']);
  });
});
