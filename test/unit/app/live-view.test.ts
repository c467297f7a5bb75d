import { describe, expect, test } from 'vitest';
import { LiveActivity } from '../../../src/app/live-activity.ts';
import { LiveLog } from '../../../src/app/live-log.ts';
import type { LiveExchange } from '../../../src/app/live-requests.ts';
import { type LiveSources, liveDocument as toLiveDocument } from '../../../src/app/live-view.ts';
import { pickFirst } from '../../../src/app/pick-first.ts';
import { RecentRing } from '../../../src/app/recent-ring.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import { createLimiter } from '../../../src/limits/limiter.ts';
import { type FullLiveDocument, LiveDocument } from '../../../src/observe/live-document.ts';
import { LIVE_LISTS } from '../../../src/observe/live-lists.ts';
import { createRequestMetrics } from '../../../src/observe/metrics/request-metrics.ts';
import { createBudgetBook } from '../../../src/pricing/budgets.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { aFinishedRow, aKey } from '../../support/temp-store.ts';

/** With all its lists. */
function liveDocument(sources: LiveSources, since: number): FullLiveDocument {
  const document = toLiveDocument(sources, since, LIVE_LISTS);
  return { ...document, callers: document.callers ?? [], requests: document.requests ?? [] };
}

function createSources(change: Partial<LiveSources> = {}) {
  const clock = createFakeClock();
  const sequence = { last: 0 };
  const key = aKey({ id: 'keyaaaaaaaaa', name: 'alice', user: 'al', team: 'lab' });
  const sources: LiveSources = {
    clock,
    startedMs: clock.monotonicMs(),
    sequence,
    activity: new LiveActivity(clock, sequence),
    log: new LiveLog(clock, sequence),
    gateway: () => ({
      ...{ version: '0.1.0', startedAtMs: clock.nowMs(), generation: 1, draining: false },
      ...{ listen: 'http://127.0.0.1:8080', unauthenticated: 4 },
    }),
    backends: () => [{ id: 'gpu0', type: 'vllm', url: 'http://127.0.0.1:8000' }],
    models: () => [{ name: 'llama', targets: [{ backend: 'gpu0' }, { backend: 'gpu0' }] }],
    scheduler: {
      views: () => [
        {
          ...{ backend: 'gpu0', inFlight: 3, prefillTokens: 0, places: 8 },
          ...{ ttftMs: 120.04, failureRate: 0.1 },
        },
      ],
      lines: () => [{ model: 'llama', waiting: 2, subjects: 1, oldestMs: 1_500 }],
    },
    health: { views: () => [] },
    processes: { views: () => [] },
    metrics: createRequestMetrics({
      ...{ names: 'llmgate', labels: [], maxLabelValues: 100, providerOf: () => 'x' },
    }),
    inFlight: () => [],
    story: () => undefined,
    gpus: () => [],
    keys: { find: (id) => (id === key.id ? key : undefined) },
    limiter: createLimiter({ rules: [], clock }),
    budgets: createBudgetBook({ rules: [], clock }),
    ...change,
  };
  return { sources, clock, key };
}

describe('liveDocument', () => {
  test('is what its schema says, and joins what is known of a backend and a model', () => {
    const { sources } = createSources();
    const document = liveDocument(sources, 0);
    expect(LiveDocument.parse(document)).toEqual(document);
    expect(document.gateway).toMatchObject({ queued: 2, in_flight: 0 });
    expect(document.totals).toMatchObject({ requests: 0, cost_usd: '0', unauthenticated: 4 });
    expect(document.models).toMatchObject([
      { name: 'llama', queued: 2, oldest_wait_ms: 1_500, targets: ['gpu0'] },
    ]);
    expect(document.backends).toMatchObject([
      { id: 'gpu0', state: 'unknown', in_flight: 3, places: 8, ttft_ms: 120, process: null },
    ]);
  });

  test('finished requests and log lines come once', () => {
    const { sources } = createSources();
    sources.activity.finished(aFinishedRow({ id: 'r1' }), 0);
    sources.log.write('{"level":"warn","time":"x","event":"backend_failed","backend":"gpu0"}\n');
    const first = liveDocument(sources, 0);
    expect(first.finished.map(({ id }) => id)).toEqual(['r1']);
    expect(first.log).toMatchObject([
      { level: 'warn', event: 'backend_failed', text: 'backend=gpu0' },
    ]);
    sources.activity.finished(aFinishedRow({ id: 'r2' }), 0);
    const next = liveDocument(sources, first.seq);
    expect(next.finished.map(({ id }) => id)).toEqual(['r2']);
    expect(next.log).toEqual([]);
    expect(liveDocument(sources, next.seq).finished).toEqual([]);
  });

  test('a number of another gateway counts as none', () => {
    const { sources } = createSources();
    sources.activity.finished(aFinishedRow({ id: 'r1' }), 0);
    expect(liveDocument(sources, 999).finished).toHaveLength(1);
  });

  test('callers are counted from the first look on, and no longer than somebody looks', () => {
    const { sources, clock, key } = createSources();
    const row = aFinishedRow({
      ...{ keyId: key.id, user: 'al', team: 'lab', costNanoUsd: nanoUsd(1_000) },
    });
    sources.activity.finished(row, 0);
    expect(liveDocument(sources, 0).callers).toEqual([]);
    sources.activity.finished(row, 0);
    const { callers } = liveDocument(sources, 0);
    expect(callers.map(({ kind, name, requests }) => [kind, name, requests])).toEqual([
      ['key', 'alice', 1],
      ['user', 'al', 1],
      ['team', 'lab', 1],
    ]);
    expect(callers[0]).toMatchObject({ cost_usd: '0.000001', status: 'active' });
    clock.advance(61_000);
    sources.activity.finished(row, 0);
    expect(liveDocument(sources, 0).callers).toEqual([]);
  });

  test('a long list that nobody asked for is not made', () => {
    const { sources, clock } = createSources();
    const standing = () => {
      throw new Error('asked for');
    };
    const document = toLiveDocument(
      {
        ...sources,
        budgets: { standing },
        limiter: { standing },
        inFlight: () => [anExchange(clock.monotonicMs())],
      },
      0,
      [],
    );
    expect(document).toMatchObject({ callers: null, requests: null, gateway: { in_flight: 1 } });
  });

  test('errors are counted by code also while nobody looks', () => {
    const { sources } = createSources();
    const code = 'backend_timeout';
    sources.activity.finished(aFinishedRow({ outcome: 'refused', code }), 0);
    expect(liveDocument(sources, 0).totals.errors_by_code).toEqual({ backend_timeout: 1 });
  });

  test('the stage of a request is the first that has not been passed', () => {
    const { sources, clock, key } = createSources();
    const exchange = anExchange(clock.monotonicMs() - 100);
    const stage = (change: Partial<LiveExchange>) => {
      const [request] = liveDocument(
        { ...sources, inFlight: () => [{ ...exchange, ...change }] },
        0,
      ).requests;
      return request?.stage;
    };
    const call = { shape: { model: 'llama', stream: true, inputTokens: 10 } };
    const model = { name: 'llama' };
    const passed = { caller: key, call, model };
    expect(stage({})).toBe('authenticate');
    expect(stage({ caller: key })).toBe('read');
    expect(stage({ caller: key, call })).toBe('authorize');
    expect(stage(passed)).toBe('limit');
    expect(stage({ ...passed, admission: {} })).toBe('reserve');
    expect(stage({ ...passed, admission: {}, hold: {} })).toBe('queue');
    expect(stage({ ...passed, hold: {}, firstTokenMs: clock.monotonicMs() })).toBe('meter');
    expect(stage({ ...passed, isFinished: true })).toBe('settle');
  });

  test('of ten thousand open streams the 200 oldest are shown', () => {
    const { sources, clock } = createSources();
    const nowMs = clock.monotonicMs();
    const open = Array.from({ length: 10_000 }, (_, at) =>
      anExchange(nowMs - ((at * 7919) % 10_000)),
    );
    const { requests, gateway } = liveDocument({ ...sources, inFlight: () => open }, 0);
    expect(requests).toHaveLength(200);
    expect(requests.map(({ age_ms }) => age_ms)).toEqual(
      Array.from({ length: 200 }, (_, at) => 9_999 - at),
    );
    expect(gateway.in_flight).toBe(10_000);
  });
});

describe('RecentRing', () => {
  test('forgets the oldest, and says how many there was no room for', () => {
    const ring = new RecentRing<number>({ last: 0 }, 4);
    for (let at = 1; at <= 6; at += 1) ring.push(at);
    expect(ring.since(0, 10)).toEqual({ items: [6, 5, 4, 3], leftOut: 0 });
    expect(ring.since(4, 10)).toEqual({ items: [6, 5], leftOut: 0 });
    expect(ring.since(0, 1)).toEqual({ items: [6], leftOut: 3 });
    expect(ring.since(6, 10)).toEqual({ items: [], leftOut: 0 });
  });
});

test.each([
  [[], 3, []],
  [[3, 1, 2], 2, [1, 2]],
  [[5, 4, 3, 2, 1], 3, [1, 2, 3]],
  [[1, 2, 3], 0, []],
])('pickFirst(%j, %j) is %j', (items, most, expected) => {
  expect(pickFirst(items, most, (a, b) => a < b)).toEqual(expected);
});

test.each([
  ['10:15:30.123 info  request id=1\n', { level: 'info', event: 'request', text: 'id=1' }],
  ['{"broken\n', { level: '', event: '', text: '{"broken' }],
  ['{"level":"info","event":"x","n":null,"a":{"b":1}}', { event: 'x', text: 'a={"b":1}' }],
])('LiveLog reads %j', (line, expected) => {
  const log = new LiveLog(createFakeClock(), { last: 0 });
  log.write(line);
  expect(log.since(0, 10).lines).toMatchObject([expected]);
});

function anExchange(startedMs: number): LiveExchange {
  return {
    ...{ id: 'r', startedAtMs: 0, startedMs, route: { endpoint: 'chat' } },
    ...{ caller: undefined, call: undefined, model: undefined, admission: undefined },
    ...{ hold: undefined, attempts: [], backend: null, queueMs: 0, firstTokenMs: undefined },
    ...{ outputTokensCounted: 0, isFinished: false },
  };
}
