import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGateway } from '../support/start-gateway.ts';
import { tempDir } from '../support/temp-store.ts';

test('what is not ours to change reaches the backend byte for byte', async () => {
  await using gate = await startGateway({
    config: 'models:\n  big: { targets: [{ backend: mock, model: small }], aliases: [b] }',
  });
  const body =
    '{ "seed": 12345678901234567890,  "model" : "b", "unknown_field": {"a":[1,2.50,"\\u00e9"]},' +
    ' "messages":[{"role":"user","content":"h\\u0069"}] }';
  const reply = await gate.post('/v1/chat/completions', body);
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-model')).toBe('big');
  expect(gate.mock.requests()[0]?.body).toBe(body.replace('"b"', '"small"'));
});

test('usage is always asked for, whatever the stream options of the caller say', async () => {
  await using gate = await startGateway();
  await gate.chat({ stream: true });
  await gate.chat({ stream: true, stream_options: { include_usage: false } });
  for (const { body } of gate.mock.requests()) {
    const { stream_options: options } = JSON.parse(body ?? '{}') as Record<string, unknown>;
    expect(options).toMatchObject({ include_usage: true });
  }
});

test('credentials, hop-by-hop and forged headers stay here, the rest goes on', async () => {
  await using gate = await startGateway();
  const reply = await gate.chat(
    {},
    {
      'x-api-key': gate.key,
      cookie: 'a=b',
      'x-forwarded-for': '10.0.0.1',
      'x-llmgate-priority': 'high',
      'openai-organization': 'org-other',
      'anthropic-beta': 'a,b',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'x-request-id': 'the-callers-own',
    },
  );
  expect(reply.status).toBe(200);
  const seen = gate.mock.requests()[0]?.headers ?? {};
  for (const name of [
    'authorization',
    'x-api-key',
    'cookie',
    'x-forwarded-for',
    'x-llmgate-priority',
    'openai-organization',
  ]) {
    expect(seen).not.toHaveProperty(name);
  }
  expect(seen).toMatchObject({
    'accept-encoding': 'identity',
    'anthropic-beta': 'a,b',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-request-id': reply.headers.get('x-request-id'),
  });
  expect(gate.log()).toContain('"caller_request_id":"the-callers-own"');
});

test.each([
  ['模型-7b', '%E6%A8%A1%E5%9E%8B-7b'],
  ['ünï', '%C3%BCn%C3%AF'],
  ['half\ud800', 'half%EF%BF%BD'],
])('a model may be named in any script: %s', async (model, named) => {
  await using gate = await startGateway({ mock: { models: [model] } });
  const reply = await gate.chat({ model });
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-model')).toBe(named);
});

test("a backend's cookies and hop-by-hop headers do not reach the caller", async () => {
  await using gate = await startGateway();
  gate.mock.script({ fault: { kind: 'hop_headers' } });
  const { status, headers } = await gate.chat();
  expect(status).toBe(200);
  expect(headers.get('set-cookie')).toBeNull();
  expect(headers.get('x-llmgate-backend')).toBe('mock');
});

test.each([
  ['/v1/completions', { model: 'small', prompt: 'hi' }],
  ['/v1/embeddings', { model: 'small', input: 'hi' }],
  ['/v1/responses', { model: 'small', input: 'hi' }],
  ['/v1/messages', { model: 'small', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }],
  ['/v1/messages/count_tokens', { model: 'small', messages: [{ role: 'user', content: 'x' }] }],
  ['/v1/rerank', { model: 'small', query: 'q', documents: ['a', 'b'] }],
  ['/v1/score', { model: 'small', text_1: 'a', text_2: 'b' }],
  ['/v1/moderations', { model: 'small', input: 'hi' }],
  ['/v1/images/generations', { model: 'small', prompt: 'a cat' }],
  ['/v1/audio/speech', { model: 'small', input: 'hi', voice: 'alloy' }],
  ['/tokenize', { model: 'small', prompt: 'hi there' }],
  ['/detokenize', { model: 'small', tokens: [1, 2] }],
])('%s goes through the same spine', async (path, body) => {
  await using gate = await startGateway({ config: 'limits:\n  - { per: key, requests: 10/m }' });
  const reply = await gate.post(path, body);
  expect(reply.status, reply.text).toBe(200);
  expect(reply.headers.get('x-ratelimit-remaining-requests')).toBe('9');
  expect(reply.headers.get('x-llmgate-backend')).toBe('mock');
  expect(gate.rows()).toMatchObject([{ outcome: 'served', status: 200, model: 'small' }]);
  const unknown = await gate.post(path, body, { authorization: 'Bearer nobody' });
  expect(unknown.status).toBe(401);
  expect(gate.mock.stats().requests).toBe(1);
});

test('a form names its model, which is renamed in place', async () => {
  await using gate = await startGateway({
    config: 'models:\n  whisper: { targets: [{ backend: mock, model: small }] }',
  });
  const form = new FormData();
  form.set('model', 'whisper');
  form.set('file', new Blob([new Uint8Array([1, 2, 3, 255])]), 'a.wav');
  const response = await fetch(`${gate.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.key}` },
    body: form,
  });
  expect(response.status, await response.text()).toBe(200);
  expect(gate.mock.requests()[0]?.model).toBe('small');
  expect(gate.rows()).toMatchObject([{ endpoint: 'audio', model: 'whisper' }]);
});

test('streams of every protocol end in their terminal', async () => {
  await using gate = await startGateway();
  const messages = [{ role: 'user', content: 'x' }];
  const anthropic = await gate.post('/v1/messages', {
    model: 'small',
    max_tokens: 20,
    stream: true,
    messages,
  });
  expect(anthropic.text).toContain('event: message_stop');
  const responses = await gate.post('/v1/responses', { model: 'small', stream: true, input: 'x' });
  expect(responses.text).toContain('event: response.completed');
  const completions = await gate.post('/v1/completions', {
    model: 'small',
    stream: true,
    prompt: 'x',
  });
  expect(completions.text.endsWith('data: [DONE]\n\n')).toBe(true);
  for (const row of gate.rows()) {
    expect(row).toMatchObject({ outcome: 'served', usage_source: 'reported', estimated: 0 });
    expect(row['output_tokens']).toBeGreaterThan(0);
  }
});

test('errors on the Anthropic endpoint speak its dialect', async () => {
  await using gate = await startGateway();
  const reply = await gate.post('/v1/messages', { model: 'nobody', max_tokens: 1, messages: [] });
  const body = JSON.parse(reply.text) as Record<string, unknown>;
  expect(body).toMatchObject({ type: 'error', request_id: reply.headers.get('x-request-id') });
});

test('more requests are in flight at once than a pool of fetch allows', async () => {
  await using gate = await startGateway({
    mock: { models: ['small'], maxConcurrent: 1_000, behaviour: { ttft_ms: 10_000 } },
  });
  const leave = new AbortController();
  const asked = Array.from({ length: 400 }, () =>
    Bun.connect({
      hostname: '127.0.0.1',
      port: Number(new URL(gate.url).port),
      socket: {
        open(socket) {
          const body = '{"model":"small","messages":[{"role":"user","content":"x"}]}';
          socket.write(
            `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gate.key}\r\n` +
              `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          );
          leave.signal.addEventListener('abort', () => socket.terminate());
        },
        data() {},
      },
    }),
  );
  await Promise.all(asked);
  await gate.mock.until(({ in_flight }) => in_flight === 400);
  leave.abort();
  await gate.mock.untilCallerLeft(400);
  await gate.settled();
  expect(gate.openRows()).toBe(0);
});

test('a backend may be a unix socket', async () => {
  const folder = tempDir();
  const path = join(folder, 'engine.sock');
  const listing = { object: 'list', data: [{ id: 'small', object: 'model' }] };
  const answer = {
    id: 'a',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
  const engine = Bun.serve({
    unix: path,
    fetch: (request) => Response.json(request.method === 'GET' ? listing : answer),
  });
  await using gate = await startGateway({ backends: `box: { type: vllm, url: "unix:${path}" }` });
  const reply = await gate.chat();
  expect(reply.status).toBe(200);
  expect(reply.headers.get('x-llmgate-backend')).toBe('box');
  await engine.stop(true);
  rmSync(folder, { recursive: true, force: true });
});
