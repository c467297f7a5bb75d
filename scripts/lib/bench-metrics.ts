import { NO_USAGE } from '../../src/core/usage.ts';
import { Exposition } from '../../src/observe/metrics/exposition.ts';
import type { AttemptTimes, SettledFact } from '../../src/observe/metrics/request-fact.ts';
import {
  createRequestMetrics,
  type RequestMetrics,
  type RequestMetricsOptions,
} from '../../src/observe/metrics/request-metrics.ts';

const HELP = `usage: scripts/bench-metrics

Records requests of 100 models on 20 backends and renders /metrics, in this process. Prints the
medians of 20 rounds: microseconds per request, with its one attempt, and milliseconds per page.
`;

const MODELS = 100;
const BACKENDS = 20;
const REQUESTS = 100_000;
const ROUNDS = 20;

const usual: RequestMetricsOptions = {
  names: 'llmgate',
  labels: [],
  maxLabelValues: 1_000,
  providerOf: () => 'vllm',
};

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  measure('as usual', usual);
  measure('labels: [key, team], 1,000 keys', { ...usual, labels: ['key', 'team'] });
  measure('names: genai', { ...usual, names: 'genai' });
}

function measure(name: string, options: RequestMetricsOptions): void {
  const settled = Array.from({ length: 1_000 }, (_, at) => settledFact(at));
  const attempted = Array.from({ length: 1_000 }, (_, at) => attemptTimes(at));
  const metrics = createRequestMetrics(options);
  const recordUs = median(() => record(metrics, settled, attempted)) / REQUESTS;
  let page = '';
  const renderUs = median(() => {
    const out = new Exposition('text');
    metrics.write(out);
    // Joined and encoded, as a socket needs it.
    page = Buffer.from(out.end()).toString('latin1');
  });
  const lines = page.split('\n').length - 1;
  process.stdout.write(
    `${name}: ${recordUs.toFixed(3)} µs per request, ` +
      `${(renderUs / 1_000).toFixed(2)} ms per page of ${lines} lines\n`,
  );
}

function record(
  metrics: RequestMetrics,
  settled: readonly SettledFact[],
  attempted: readonly AttemptTimes[],
): void {
  for (let at = 0; at < REQUESTS; at += 1) {
    const fact = settled[at % settled.length];
    const attempt = attempted[at % attempted.length];
    if (fact === undefined || attempt === undefined) return;
    metrics.attempted(fact.backend ?? '', 'ok', attempt);
    metrics.settled(fact);
  }
}

/** Microseconds of the middle round. */
function median(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    run();
    return (performance.now() - startedMs) * 1_000;
  });
  return times.toSorted((a, b) => a - b)[ROUNDS / 2] ?? Number.NaN;
}

function settledFact(at: number): SettledFact {
  return {
    endpoint: at % 5 === 0 ? 'embeddings' : 'chat',
    model: `model-${at % MODELS}`,
    outcome: at % 50 === 0 ? 'refused' : 'served',
    code: at % 50 === 0 ? 'rate_limit_exceeded' : null,
    backend: `gpu${at % BACKENDS}`,
    streamed: true,
    durationMs: 900 + (at % 4_000),
    ttftMs: 40 + (at % 400),
    interTokenMs: 8 + (at % 40),
    overheadMs: 0.02 + (at % 100) / 1_000,
    queueMs: at % 3 === 0 ? at % 700 : 0,
    usage: { ...NO_USAGE, inputTokens: 1_200, cachedInputTokens: 400, outputTokens: 300 },
    costNanoUsd: 123_456,
    keyId: `key-${at % 1_000}`,
    user: null,
    team: `team-${at % 20}`,
    tenant: null,
    gpuUs: 0,
  };
}

function attemptTimes(at: number): AttemptTimes {
  return {
    endpoint: 'chat',
    model: `model-${at % MODELS}`,
    durationMs: 900 + (at % 4_000),
    ttftMs: 40 + (at % 400),
  };
}
