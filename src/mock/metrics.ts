import { Histogram } from './histogram.ts';
import type { TokenCounts } from './token-counts.ts';

/** Model names past this many are counted together: callers choose them. */
const MAX_MODELS = 64;

// Bucket bounds in seconds, as vLLM has them.
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
];
const INTER_TOKEN = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const REQUEST = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960];

const BOUNDS = {
  time_to_first_token_seconds: FIRST_TOKEN,
  inter_token_latency_seconds: INTER_TOKEN,
  e2e_request_latency_seconds: REQUEST,
  request_queue_time_seconds: REQUEST,
  request_prefill_time_seconds: REQUEST,
  request_decode_time_seconds: REQUEST,
} as const;
type HistogramName = keyof typeof BOUNDS;
const HISTOGRAM_NAMES = Object.keys(BOUNDS) as HistogramName[];

class ModelMetrics {
  running = 0;
  waiting = 0;
  /** Tokens of running requests: what fills the KV cache. */
  heldTokens = 0;
  promptTokens = 0;
  cachedTokens = 0;
  generatedTokens = 0;
  finished = new Map<string, number>();
  histograms = createHistograms();

  observe(name: HistogramName, durationMs: number): void {
    this.histograms[name].observe(durationMs / 1000);
  }

  reset(): void {
    this.promptTokens = 0;
    this.cachedTokens = 0;
    this.generatedTokens = 0;
    this.finished = new Map();
    this.histograms = createHistograms();
  }
}

function createHistograms(): Readonly<Record<HistogramName, Histogram>> {
  const made = HISTOGRAM_NAMES.map((name) => [name, new Histogram(BOUNDS[name])] as const);
  return Object.fromEntries(made) as Record<HistogramName, Histogram>;
}

/** When the parts of a request happened, in milliseconds on the monotonic clock. */
export interface RequestTimes {
  readonly arrivedMs: number;
  readonly startedMs: number;
  /** 0: none was made. */
  readonly firstTokenMs: number;
  readonly endedMs: number;
}

/** The counters of one engine under vLLM's names, so that what reads vLLM reads the mock. */
export class EngineMetrics {
  readonly #kvCacheTokens: number;
  #models = new Map<string, ModelMetrics>();

  constructor(kvCacheTokens: number, models: readonly string[]) {
    this.#kvCacheTokens = kvCacheTokens;
    for (const model of models) this.#of(model);
  }

  waiting(model: string, change: 1 | -1): void {
    this.#of(model).waiting += change;
  }

  started(model: string, counts: TokenCounts): void {
    const metrics = this.#of(model);
    metrics.running++;
    metrics.heldTokens += counts.prompt + counts.completion;
    metrics.promptTokens += counts.prompt;
    metrics.cachedTokens += counts.cached;
  }

  generated(model: string, tokens: number): void {
    this.#of(model).generatedTokens += tokens;
  }

  interToken(model: string, gapMs: number): void {
    this.#of(model).observe('inter_token_latency_seconds', gapMs);
  }

  ended(model: string, counts: TokenCounts, times: RequestTimes, reason: string): void {
    const metrics = this.#of(model);
    metrics.running--;
    metrics.heldTokens -= counts.prompt + counts.completion;
    metrics.finished.set(reason, (metrics.finished.get(reason) ?? 0) + 1);
    const { arrivedMs, startedMs, firstTokenMs, endedMs } = times;
    metrics.observe('request_queue_time_seconds', startedMs - arrivedMs);
    metrics.observe('e2e_request_latency_seconds', endedMs - arrivedMs);
    if (firstTokenMs === 0) return;
    metrics.observe('time_to_first_token_seconds', firstTokenMs - arrivedMs);
    metrics.observe('request_prefill_time_seconds', firstTokenMs - startedMs);
    metrics.observe('request_decode_time_seconds', endedMs - firstTokenMs);
  }

  render(): string {
    const models = [...this.#models];
    const one = (type: string, name: string, read: (metrics: ModelMetrics) => number) =>
      `# TYPE vllm:${name} ${type}\n` +
      models
        .map(([model, metrics]) => `vllm:${name}{${labelsOf(model)}} ${read(metrics)}\n`)
        .join('');
    return [
      one('gauge', 'num_requests_running', ({ running }) => running),
      one('gauge', 'num_requests_waiting', ({ waiting }) => waiting),
      one('gauge', 'kv_cache_usage_perc', ({ heldTokens }) =>
        Math.min(1, heldTokens / this.#kvCacheTokens),
      ),
      one('counter', 'num_preemptions_total', () => 0),
      one('counter', 'prefix_cache_queries_total', ({ promptTokens }) => promptTokens),
      one('counter', 'prefix_cache_hits_total', ({ cachedTokens }) => cachedTokens),
      one('counter', 'prompt_tokens_total', ({ promptTokens }) => promptTokens),
      one('counter', 'generation_tokens_total', ({ generatedTokens }) => generatedTokens),
      '# TYPE vllm:request_success_total counter\n',
      ...models.flatMap(([model, { finished }]) =>
        [...finished].map(
          ([reason, count]) =>
            `vllm:request_success_total{${labelsOf(model)},finished_reason="${reason}"} ${count}\n`,
        ),
      ),
      ...HISTOGRAM_NAMES.flatMap((name) => [
        `# TYPE vllm:${name} histogram\n`,
        ...models.map(([model, { histograms }]) =>
          histograms[name].render(`vllm:${name}`, labelsOf(model)),
        ),
      ]),
    ].join('');
  }

  /** Starts counting again for the listed models; requests in flight keep their gauges. */
  reset(): void {
    for (const metrics of this.#models.values()) metrics.reset();
  }

  #of(model: string): ModelMetrics {
    const name = this.#models.has(model) || this.#models.size < MAX_MODELS ? model : 'other';
    let metrics = this.#models.get(name);
    if (metrics === undefined) {
      metrics = new ModelMetrics();
      this.#models.set(name, metrics);
    }
    return metrics;
  }
}

/** Label values escape backslash, quote and line feed (Prometheus text format 0.0.4). */
function labelsOf(model: string): string {
  const escaped = model.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `engine="0",model_name="${escaped}"`;
}
