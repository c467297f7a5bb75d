import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../support/fake-clock.ts';
import { callMock, renderPost } from '../../support/mock-caller.ts';
import { startTestMock } from '../../support/start-mock.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

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
