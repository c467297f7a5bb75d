import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toDocument } from '../../../src/bench/bench-document.ts';
import type { BenchLab } from '../../../src/bench/bench-lab.ts';
import { type Detail, toDetail } from '../../../src/bench/detail.ts';
import { renderBenchPage } from '../../../src/bench/html-page.ts';
import type { BenchOutcome } from '../../../src/bench/outcome.ts';
import { BenchResultSchema, renderBenchSchema } from '../../../src/bench/result-schema.ts';
import { runBench } from '../../../src/bench/run-bench.ts';
import type { BenchSettings } from '../../../src/bench/settings.ts';
import { createSyntheticPrompts } from '../../../src/bench/synthetic-prompts.ts';
import { createTarget, type Target } from '../../../src/bench/target.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { startTestMock } from '../../support/start-mock.ts';

const SETTINGS: BenchSettings = {
  endpoint: 'chat',
  stream: true,
  model: null,
  compareModel: null,
  readyTimeoutMs: 0,
  ignoreEos: false,
  extraBody: {},
  numPrompts: 40,
  durationMs: null,
  graceMs: 5_000,
  requestRate: Number.POSITIVE_INFINITY,
  burstiness: 1,
  ramp: null,
  speedup: null,
  maxConcurrency: 4,
  numWarmups: 0,
  cancelRate: 0,
  cancelDelayMs: 10,
  stopOverSaturated: false,
  sweepRates: null,
  rounds: 5,
  seed: 1,
  objectives: {},
  percentiles: [50, 90],
  assertions: [],
  metadata: {},
};
const PROMPTS = createSyntheticPrompts({
  inputTokens: 8,
  outputTokens: 6,
  rangeRatio: 0,
  prefixCount: 0,
  prefixTokens: 0,
  seed: 1,
});

interface Run {
  readonly outcome: BenchOutcome;
  readonly details: readonly Detail[];
}

async function bench(
  target: Target,
  part: Partial<BenchSettings> = {},
  more: { direct?: Target; lab?: Partial<BenchLab> } = {},
): Promise<Run> {
  const details: Detail[] = [];
  const lab: BenchLab = {
    settings: { ...SETTINGS, ...part },
    prompts: PROMPTS,
    clock: systemClock,
    signal: new AbortController().signal,
    onSecond: () => {},
    onTimings: (run) => (shot, end) => details.push(toDetail(run, shot, end)),
    ...more.lab,
  };
  return { outcome: await runBench(lab, target, more.direct ?? null), details };
}

function targetOf(url: string, behaviour: object = {}): Target {
  return createTarget({
    url,
    apiKey: 'sk-test',
    headers: [['x-mock', JSON.stringify(behaviour)]],
    timeoutMs: 10_000,
  });
}

function figuresOf({ outcome }: Run, at = 0) {
  return outcome.runs[at]?.figures ?? {};
}

/** Counts of the mock without its probes. */
function seenBy(mock: Awaited<ReturnType<typeof startTestMock>>) {
  return mock.requests().filter(({ path }) => path.startsWith('/v1/chat'));
}

describe('one run', () => {
  test('counts are those of the server, to the token', async () => {
    await using mock = await startTestMock();
    const run = await bench(targetOf(`${mock.url}/v1/`), { numWarmups: 3 });
    expect(figuresOf(run)).toMatchObject({
      sent: 40,
      completed: 40,
      failed: 0,
      total_input_tokens: 320,
      total_output_tokens: 240,
      answers_with_usage: 40,
      count_ttft: 40,
      count_itl: 200,
      count_e2el: 40,
      tokens_per_chunk: 1,
      request_goodput: null,
    });
    expect(figuresOf(run)['max_concurrent_requests']).toBe(4);
    expect(seenBy(mock)).toHaveLength(43);
    expect(new Set(seenBy(mock).map(({ body_sha256 }) => body_sha256)).size).toBe(43);
    expect(run.details.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, index) => index),
    );
  });

  test('times are at least what the server takes, and in order', async () => {
    await using mock = await startTestMock();
    const run = await bench(targetOf(mock.url, { ttft_ms: 30, tps: 100 }), { numPrompts: 8 });
    const of = (name: string) => figuresOf(run)[name] ?? 0;
    // 30 ms, then five gaps of 10 ms; a timer may be early by its own rounding. Gaps may be seen
    // shorter than they were made, when a busy machine sees the first of them late.
    expect(of('min_ttft_ms')).toBeGreaterThan(28);
    expect(of('min_e2el_ms')).toBeGreaterThan(77);
    expect([of('count_itl'), of('count_tpot'), of('count_ttst')]).toEqual([40, 8, 8]);
    for (const { ttft_ms, e2el_ms, outcome } of run.details) {
      expect(outcome).toBe('completed');
      expect(e2el_ms).toBeGreaterThan(ttft_ms ?? Number.POSITIVE_INFINITY);
    }
  });

  test('waiting for a place counts: no omission of what a slow server held up', async () => {
    await using mock = await startTestMock();
    // 100 requests/s are due, two places of 40 ms each let through 50: the rest waits longer and longer.
    const run = await bench(targetOf(mock.url, { ttft_ms: 40 }), {
      numPrompts: 30,
      requestRate: 100,
      burstiness: Number.POSITIVE_INFINITY,
      maxConcurrency: 2,
    });
    const of = (name: string) => figuresOf(run)[name] ?? 0;
    expect(of('completed')).toBe(30);
    expect(of('max_client_queue_time_ms')).toBeGreaterThan(200);
    expect(of('max_e2el_ms')).toBeGreaterThan(240);
    expect(of('max_e2el_from_send_ms')).toBeLessThan(of('max_e2el_ms') - 150);
    // The server held it up, not the generator.
    expect(run.outcome.runs[0]?.generator.p99_send_lag_ms ?? 0).toBeLessThan(200);
  });

  test('goodput counts what kept the objectives', async () => {
    await using mock = await startTestMock();
    mock.script({ ttft_ms: 100, times: 5 });
    const run = await bench(targetOf(mock.url), {
      numPrompts: 20,
      maxConcurrency: 1,
      objectives: { ttft: 99 },
    });
    // The scripted five cannot be good; how many of the others are is the machine's affair.
    expect(figuresOf(run)['goodput_ratio']).toBeLessThanOrEqual(0.75);
  });

  test('failures by class, with what the first one said', async () => {
    await using mock = await startTestMock();
    mock.script(
      { fault: { kind: 'rate_limit', retry_after: 1 }, times: 3 },
      { fault: { kind: 'html' }, times: 2 },
    );
    const run = await bench(targetOf(mock.url), { maxConcurrency: 1, numPrompts: 10 });
    expect(figuresOf(run)).toMatchObject({ completed: 5, failed: 5, error_ratio: 0.5 });
    expect(run.outcome.runs[0]?.errors).toMatchObject([
      { class: 'http_429', count: 3 },
      { class: 'wrong_content_type', count: 2 },
    ]);
    expect(run.details.map(({ error }) => error).filter((error) => error !== null)).toHaveLength(5);
  });

  test('cancelled requests are hung up on, and are no failures', async () => {
    await using mock = await startTestMock();
    mock.script({ ttft_ms: 60_000, times: 5 });
    const run = await bench(targetOf(mock.url), {
      numPrompts: 5,
      cancelRate: 1,
    });
    expect(figuresOf(run)).toMatchObject({ sent: 5, cancelled: 5, completed: 0, failed: 0 });
    await mock.untilCallerLeft(5);
  });

  test('interrupted: what is in flight is left, and what was measured is there', async () => {
    await using mock = await startTestMock();
    mock.script({ times: 3 }, { ttft_ms: 60_000, times: 100 });
    const stop = new AbortController();
    const running = bench(targetOf(mock.url), { numPrompts: 50 }, { lab: { signal: stop.signal } });
    await mock.untilRequests(7);
    stop.abort();
    const run = await running;
    expect(run.outcome).toMatchObject({
      wasInterrupted: true,
      runs: [{ stop_reason: 'interrupted' }],
    });
    const { sent = 0, completed = 0, incomplete = 0 } = figuresOf(run);
    expect((completed ?? 0) + (incomplete ?? 0)).toBe(sent);
    await mock.untilCallerLeft(1);
  });

  test('time ends it: what was due and never sent is counted', async () => {
    await using mock = await startTestMock();
    mock.script({ ttft_ms: 60_000, times: 100 });
    const run = await bench(targetOf(mock.url), {
      numPrompts: null,
      durationMs: 200,
      graceMs: 50,
      requestRate: 100,
      burstiness: Number.POSITIVE_INFINITY,
      maxConcurrency: 3,
    });
    expect(figuresOf(run)).toMatchObject({ sent: 3, incomplete: 3, completed: 0 });
    expect(figuresOf(run)['unsent']).toBeGreaterThanOrEqual(15);
    expect(run.outcome.runs[0]?.stop_reason).toBe('duration');
  });
});

test('a comparison asks both the same, round by round, in turn', async () => {
  await using direct = await startTestMock();
  await using gateway = await startTestMock();
  const run = await bench(
    targetOf(gateway.url, { ttft_ms: 25 }),
    { numPrompts: 50, maxConcurrency: 2 },
    { direct: targetOf(direct.url) },
  );
  const hashes = (mock: typeof direct) => seenBy(mock).map(({ body_sha256 }) => body_sha256);
  expect(hashes(direct)).toHaveLength(50);
  expect(hashes(gateway).toSorted()).toEqual(hashes(direct).toSorted());
  expect(new Set(hashes(direct)).size).toBe(50);
  expect(run.outcome.comparison).toMatchObject({ rounds: 5, pairs: 50 });
  expect(run.outcome.runs.map(({ name }) => name)).toEqual(['direct', 'gateway']);
  const added = run.outcome.comparison?.differences.find(
    ({ figure }) => figure === 'added_p50_ttft_ms',
  );
  expect(added?.estimate_ms).toBeGreaterThan(10);
  expect(added?.low_ms).toBeGreaterThan(0);
  expect(added?.is_significant).toBe(true);
});

test('a sweep finds that a server of two places and 50 ms does not carry 100 requests/s', async () => {
  await using mock = await startTestMock({ maxConcurrent: 2, behaviour: { ttft_ms: 50 } });
  const seconds: string[] = [];
  const { outcome } = await bench(
    targetOf(mock.url),
    { sweepRates: 2, durationMs: 1_000, graceMs: 200, maxConcurrency: null, seed: 3 },
    { lab: { onSecond: ({ name }) => seconds.push(name) } },
  );
  expect(outcome.runs.map(({ name }) => name).slice(0, 2)).toEqual([
    'one at a time',
    'as fast as it goes',
  ]);
  expect(outcome.runs).toHaveLength(4);
  expect(outcome.sweep?.steps).toHaveLength(2);
  // One place lets through less than 20/s, two less than 40/s.
  expect(outcome.runs[0]?.figures['request_throughput']).toBeLessThan(20.5);
  expect(outcome.runs[1]?.figures['request_throughput']).toBeLessThan(41);
  expect(seconds).toContain('one at a time');
}, 30_000);

describe('the document', () => {
  const hostile = 'm<script>alert(1)</script>"\u001b]0;x\u0007\u202e&';

  test('is what its schema says, and its page holds names as text', async () => {
    await using mock = await startTestMock();
    mock.script({ fault: { kind: 'status', status: 500, body: { error: { message: hostile } } } });
    const settings = { ...SETTINGS, model: hostile, metadata: { note: hostile } };
    const { outcome } = await bench(targetOf(mock.url), settings);
    const document = toDocument(outcome, settings, {
      startedMs: 0,
      tool: { version: '0', commit: null },
    });
    const written: unknown = JSON.parse(JSON.stringify(document));
    expect(BenchResultSchema.parse(written)).toEqual(written);
    expect(JSON.stringify(document)).not.toContain('sk-test');
    const page = renderBenchPage(document, outcome);
    expect(page).not.toContain('<script');
    expect(page).not.toContain('\u001b');
    expect(page).not.toContain('\u202e');
    expect(page).toContain('&lt;script&gt;');
    expect(page.match(/<svg/g)?.length).toBeGreaterThan(4);
    expect(page).not.toMatch(/(?:src|href)=/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('its published schema is current; scripts/generate-docs writes it', () => {
    const path = join(import.meta.dirname, '../../../docs/bench.schema.json');
    expect(readFileSync(path, 'utf8')).toBe(renderBenchSchema());
  });
});

describe('a server that is not there', () => {
  test('is unreachable', async () => {
    const mock = await startTestMock();
    await mock.stop();
    await expect(bench(targetOf(mock.url))).rejects.toMatchObject({ kind: 'unreachable' });
  });

  test.each([
    ['refuses the key', { kind: 'unauthorized' }, 'refused_key'],
    ['lists no models', { kind: 'server_error' }, 'no_model'],
    ['answers with a web page', { kind: 'html' }, 'no_model'],
  ] as const)('or %s', async (_, fault, kind) => {
    await using mock = await startTestMock();
    mock.script({ match: { path: '/v1/models' }, fault });
    await expect(bench(targetOf(mock.url))).rejects.toMatchObject({ kind });
  });
});
