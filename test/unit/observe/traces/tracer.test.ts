import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { createRequestIds } from '../../../../src/core/ids.ts';
import { createSpanIds } from '../../../../src/observe/traces/span-ids.ts';
import type { TracedRequest } from '../../../../src/observe/traces/traced-request.ts';
import { createTracer, type TracerOptions } from '../../../../src/observe/traces/tracer.ts';
import { readSpan } from '../../../support/span-receiver.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
const ID = '01a1fa03-2a49-7696-a8b4-8d25f6c08159';

function tracerWith(options: Partial<TracerOptions> = {}) {
  let last = 0;
  const pushed: string[][] = [];
  const tracer = createTracer({
    sample: 0,
    slowMs: 10_000,
    spanId: () => String(++last).padStart(16, '0'),
    backendOf: () => ({ provider: 'vllm', address: '10.0.0.7', port: 8000 }),
    outlet: { push: (spans) => pushed.push([...spans]) },
    ...options,
  });
  return { tracer, spans: () => pushed.flat().map((text) => readSpan(JSON.parse(text))) };
}

describe('which requests are kept', () => {
  test.each([
    { sample: 0, parent: null, tookMs: 20, isFailed: false, kept: false },
    { sample: 0, parent: null, tookMs: 20, isFailed: true, kept: true },
    { sample: 0, parent: null, tookMs: 10_001, isFailed: false, kept: true },
    { sample: 1, parent: null, tookMs: 20, isFailed: false, kept: true },
    { sample: 0, parent: `${PARENT}-01`, tookMs: 20, isFailed: false, kept: true },
    { sample: 1, parent: `${PARENT}-00`, tookMs: 20, isFailed: false, kept: false },
    { sample: 1, parent: `${PARENT}-00`, tookMs: 20, isFailed: true, kept: true },
    { sample: 1, parent: 'nonsense', tookMs: 20, isFailed: false, kept: true },
  ])('%o', ({ sample, parent, tookMs, isFailed, kept }) => {
    const { tracer } = tracerWith({ sample });
    const context = tracer.begin(ID, parent, null);
    expect(tracer.keeps(context, tookMs, isFailed)).toBe(kept);
  });

  test('slow ones are no exception when nobody has said what is slow', () => {
    const { tracer } = tracerWith({ slowMs: null });
    expect(tracer.keeps(tracer.begin(ID, null, null), 1e9, false)).toBe(false);
  });

  test('a share of the ids that the gateway makes', () => {
    const { tracer } = tracerWith({ sample: 0.25 });
    const ids = createRequestIds(systemClock);
    let sampled = 0;
    for (let i = 0; i < 8_000; i += 1) {
      if (tracer.begin(ids(), null, null).isSampled) sampled += 1;
    }
    // Five standard deviations are 2.4 %.
    expect(sampled / 8_000).toBeGreaterThan(0.22);
    expect(sampled / 8_000).toBeLessThan(0.28);
  });
});

test('a trace that begins here has the id of its request', () => {
  const { tracer } = tracerWith({ sample: 1 });
  expect(tracer.begin(ID, null, null).traceId).toBe(ID.replaceAll('-', ''));
  expect(tracer.begin(ID, `${PARENT}-01`, 'a=b')).toMatchObject({
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    parentId: '00f067aa0ba902b7',
    state: 'a=b',
  });
});

test('span ids are different ones, also past those that were drawn at once', () => {
  const ids = createSpanIds((count) => crypto.getRandomValues(new Uint8Array(count)));
  const made = Array.from({ length: 2_000 }, () => ids());
  expect(new Set(made).size).toBe(2_000);
  expect(made.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
});

const USAGE = {
  ...{ inputTokens: 120, cachedInputTokens: 100, cacheWriteTokens: 0, audioInputTokens: 0 },
  ...{ imageInputTokens: 0, outputTokens: 240, reasoningTokens: 40, audioOutputTokens: 0 },
  imageOutputTokens: 0,
};

function request(tracer: ReturnType<typeof tracerWith>['tracer']): TracedRequest {
  return {
    context: tracer.begin(ID, `${PARENT}-01`, 'a=b'),
    ...{ requestId: ID, startedAtMs: 1_795_195_873_865, durationMs: 21.5, endpoint: 'chat' },
    ...{ method: 'POST', path: '/v1/chat/completions', model: 'großes "Modell"', streamed: true },
    ...{ maxOutputTokens: 512, outcome: 'served', code: null, status: 200, isFailed: false },
    ...{ keyId: 'k1', team: 'research', tenant: null, queueMs: 1_500, ttftMs: 12, usage: USAGE },
    costNanoUsd: 1_234_000,
    notes: [{ atMs: 3.25, text: 'falls back to small: backend_error' }],
    attempts: [
      {
        ...{ spanId: undefined, backend: 'a', model: 'big', reason: 'least', startMs: 1 },
        ...{ endMs: 3, firstTokenMs: null, code: 'backend_error', status: 503, isServing: false },
      },
      {
        ...{ spanId: 'b7ad6b7169203331', backend: 'b', model: 'small', reason: 'only', startMs: 4 },
        ...{ endMs: 21, firstTokenMs: 12, code: null, status: 200, isServing: true },
      },
    ],
  };
}

test('a request is one span, every attempt another one below it', () => {
  const { tracer, spans } = tracerWith();
  tracer.ended(request(tracer));
  const [own, failed, served] = spans();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  expect(own).toMatchObject({
    ...{ traceId, parentSpanId: '00f067aa0ba902b7', traceState: 'a=b', kind: 2, isError: false },
    name: 'chat großes "Modell"',
    startNs: 1_795_195_873_865_000_000n,
    endNs: 1_795_195_873_886_500_000n,
    events: [
      {
        name: 'decision',
        attributes: { 'llmgate.note': 'falls back to small: backend_error' },
        timeUnixNano: '1795195873868250000',
      },
    ],
  });
  expect(own?.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'großes "Modell"',
    'gen_ai.request.stream': true,
    'gen_ai.request.max_tokens': 512,
    'gen_ai.response.time_to_first_chunk': 0.012,
    'http.request.method': 'POST',
    'http.route': '/v1/chat/completions',
    'http.response.status_code': 200,
    'llmgate.request_id': ID,
    'llmgate.key_id': 'k1',
    'llmgate.team': 'research',
    'llmgate.outcome': 'served',
    'llmgate.attempts': 2,
    'llmgate.queue_seconds': 1.5,
    'llmgate.input_tokens': 120,
    'llmgate.output_tokens': 240,
    'llmgate.cost_usd': 0.001234,
  });
  expect(failed).toMatchObject({ traceId, parentSpanId: own?.spanId, kind: 3, isError: true });
  expect(failed?.attributes).toMatchObject({
    ...{ 'error.type': 'backend_error', 'http.response.status_code': 503 },
    'llmgate.backend': 'a',
  });
  expect(failed?.attributes).not.toHaveProperty('gen_ai.usage.output_tokens');
  expect(served).toMatchObject({
    ...{
      parentSpanId: own?.spanId,
      spanId: 'b7ad6b7169203331',
      name: 'chat small',
      isError: false,
    },
  });
  expect(served?.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'vllm',
    'gen_ai.request.model': 'small',
    'gen_ai.request.stream': true,
    'gen_ai.response.time_to_first_chunk': 0.008,
    'gen_ai.usage.input_tokens': 120,
    'gen_ai.usage.output_tokens': 240,
    'gen_ai.usage.cache_read.input_tokens': 100,
    'gen_ai.usage.reasoning.output_tokens': 40,
    'http.response.status_code': 200,
    'llmgate.backend': 'b',
    'llmgate.reason': 'only',
    'server.address': '10.0.0.7',
    'server.port': 8000,
  });
});
