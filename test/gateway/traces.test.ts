import { expect, test } from 'vitest';
import { neverAnswer, startHttpReceiver } from '../support/http-receiver.ts';
import { type SpanReceiver, startSpanReceiver } from '../support/span-receiver.ts';
import { startGateway } from '../support/start-gateway.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${PARENT}-01`;

function traces({ url }: SpanReceiver, sample = '0%', more = ''): string {
  return `traces: { endpoint: "${url}/v1/traces", sample: ${sample} }\n${more}`;
}

/** A backend that keeps what it is sent. */
function startBackend() {
  const backend = startHttpReceiver();
  backend.answerWith(() =>
    Response.json({
      ...{ id: 'x', object: 'chat.completion', created: 1, model: 'small' },
      choices: [
        { index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    }),
  );
  return backend;
}

const MODEL = 'models: { small: { targets: [{ backend: b }] } }\n';
const backendAt = (url: string) => `b: { type: openai_compatible, url: "${url}", discover: false }`;

test('a trace of a caller goes through to the backend, spans of ours between', async () => {
  await using collector = startSpanReceiver();
  await using backend = startBackend();
  {
    await using gateway = await startGateway({
      ...{ backends: backendAt(backend.url), config: traces(collector, '0%', MODEL) },
    });
    const headers = { traceparent: SAMPLED, tracestate: 'vendor=1' };
    const { status } = await gateway.chat({ prompt_cache_key: 'a secret word' }, headers);
    expect(status).toBe(200);
  }
  const [own, attempt] = collector.spans();
  expect(own).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, traceState: 'vendor=1' });
  expect(attempt).toMatchObject({ traceId: TRACE, parentSpanId: own?.spanId });
  expect(attempt?.attributes).toMatchObject({
    ...{ 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 3 },
    ...{ 'server.port': backend.port, 'gen_ai.provider.name': 'openai_compatible' },
  });
  const sent = backend.requests.at(-1)?.headers;
  expect(sent?.get('traceparent')).toBe(`00-${TRACE}-${attempt?.spanId}-01`);
  expect(sent?.get('tracestate')).toBe('vendor=1');
  // Neither what was asked nor what was answered.
  expect(collector.requests.map(({ body }) => body).join('')).not.toMatch(
    /secret word|Hello|short/,
  );
});

test.each([
  ['nothing is traced', '', SAMPLED],
  ['the caller does not sample', '100%', `00-${TRACE}-${PARENT}-00`],
])('where %s its context is passed on untouched', async (_, sample, traceparent) => {
  await using collector = startSpanReceiver();
  await using backend = startBackend();
  {
    await using gateway = await startGateway({
      backends: backendAt(backend.url),
      config: sample === '' ? MODEL : traces(collector, sample, MODEL),
    });
    expect((await gateway.chat({}, { traceparent })).status).toBe(200);
  }
  expect(backend.requests.at(-1)?.headers.get('traceparent')).toBe(traceparent);
  expect(collector.requests).toEqual([]);
});

test('a context that is none begins a new trace, without the state that came with it', async () => {
  await using collector = startSpanReceiver();
  await using backend = startBackend();
  {
    await using gateway = await startGateway({
      ...{ backends: backendAt(backend.url), config: traces(collector, '100%', MODEL) },
    });
    await gateway.chat({}, { traceparent: 'nonsense', tracestate: 'vendor=1' });
  }
  const [own, attempt] = collector.spans();
  expect(own).toMatchObject({ parentSpanId: undefined, traceState: undefined });
  const sent = backend.requests.at(-1)?.headers;
  expect(sent?.get('traceparent')).toBe(`00-${own?.traceId}-${attempt?.spanId}-03`);
  expect(sent?.get('tracestate')).toBeNull();
  expect(own?.attributes['llmgate.request_id']).toBe(sent?.get('x-request-id'));
});

test('failures of a backend are told in any case, refusals are not, strangers never', async () => {
  await using collector = startSpanReceiver();
  await using backend = startBackend();
  backend.answerWith(() => new Response('{"error":{"message":"out of memory"}}', { status: 500 }));
  {
    await using gateway = await startGateway({
      backends: backendAt(backend.url),
      config: traces(collector, '0%', `${MODEL}retries: { attempts: 1 }\n`),
    });
    expect((await gateway.chat()).status).toBe(502);
    expect((await gateway.chat({ model: 'unknown' }, {})).status).toBe(404);
    const headers = { authorization: 'Bearer wrong', traceparent: SAMPLED };
    expect((await gateway.chat({}, headers)).status).toBe(401);
  }
  const [own, attempt, ...others] = collector.spans();
  expect(others).toEqual([]);
  expect(own).toMatchObject({ isError: true, parentSpanId: undefined });
  expect(own?.attributes).toMatchObject({
    ...{ 'error.type': 'backend_error', 'http.response.status_code': 502 },
    'llmgate.outcome': 'refused',
  });
  expect(attempt).toMatchObject({ isError: true });
  expect(attempt?.attributes['http.response.status_code']).toBe(500);
});

test('a collector that hangs delays no answer, and the end by no more than its bound', async () => {
  await using collector = startSpanReceiver();
  collector.answerWith(neverAnswer);
  const gateway = await startGateway({ config: traces(collector, '100%') });
  for (let i = 0; i < 20; i += 1) expect((await gateway.chat()).status).toBe(200);
  const startedMs = performance.now();
  await gateway[Symbol.asyncDispose]();
  expect(performance.now() - startedMs).toBeLessThan(6_000);
});
