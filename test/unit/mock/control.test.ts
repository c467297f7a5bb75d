import { describe, expect, test } from 'vitest';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock, type TestMock } from '../../support/start-mock.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

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
