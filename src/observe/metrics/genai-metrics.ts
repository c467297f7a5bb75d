import { type Exposition, renderLabels } from './exposition.ts';
import { GENAI_BOUNDS, GENAI_METRICS, GENAI_OPERATIONS } from './genai-table.ts';
import { type Bounds, Histogram } from './histogram.ts';
import type { MetricInfo } from './metric-info.ts';
import type { AttemptOutcome, AttemptTimes, SettledFact } from './request-fact.ts';

/** What `gen_ai.provider.name` says of requests that no backend was asked for. */
const NO_PROVIDER = 'none';

/** The same requests under OpenTelemetry's names, for dashboards that know only those. */
export interface GenAiMetrics {
  /** `model` as it is told in labels. */
  settled(fact: SettledFact, model: string): void;
  attempted(attempt: EndedAttempt): void;
  write(out: Exposition): void;
}

/** `model` as it is told in labels. */
export interface EndedAttempt extends AttemptTimes {
  readonly backend: string;
  readonly outcome: AttemptOutcome;
}

export function createGenAiMetrics(providerOf: (backend: string) => string): GenAiMetrics {
  const tokens = new Family(GENAI_METRICS.tokenUsage, GENAI_BOUNDS.tokens);
  const clientDuration = new Family(GENAI_METRICS.clientDuration, GENAI_BOUNDS.duration);
  const firstChunk = new Family(GENAI_METRICS.timeToFirstChunk, GENAI_BOUNDS.duration);
  const serverDuration = new Family(GENAI_METRICS.serverDuration, GENAI_BOUNDS.duration);
  const firstToken = new Family(GENAI_METRICS.timeToFirstToken, GENAI_BOUNDS.timeToFirstToken);
  const perToken = new Family(GENAI_METRICS.timePerOutputToken, GENAI_BOUNDS.timePerOutputToken);
  return {
    settled(fact, model) {
      const { usage, backend } = fact;
      const operation = GENAI_OPERATIONS[fact.endpoint];
      const provider = backend === null ? NO_PROVIDER : providerOf(backend);
      serverDuration
        .series(operation, provider, model, fact.code ?? '')
        .observe(fact.durationMs / 1_000);
      if (fact.outcome === 'refused') return;
      tokens.series(operation, provider, model, 'input').observe(usage.inputTokens);
      tokens.series(operation, provider, model, 'output').observe(usage.outputTokens);
      if (fact.streamed && fact.ttftMs !== null) {
        firstToken.series(operation, provider, model).observe(fact.ttftMs / 1_000);
      }
      if (fact.interTokenMs !== null) {
        perToken.series(operation, provider, model).observe(fact.interTokenMs / 1_000);
      }
    },
    attempted({ endpoint, backend, model, outcome, durationMs, ttftMs }) {
      const operation = GENAI_OPERATIONS[endpoint];
      const provider = providerOf(backend);
      const error = outcome === 'ok' ? '' : outcome;
      clientDuration.series(operation, provider, model, error).observe(durationMs / 1_000);
      if (ttftMs !== null) firstChunk.series(operation, provider, model).observe(ttftMs / 1_000);
    },
    write(out) {
      for (const family of [tokens, clientDuration, firstChunk]) family.write(out);
      for (const family of [serverDuration, firstToken, perToken]) family.write(out);
    },
  };
}

/** The series of one histogram. Models are bounded before, all other labels are small sets. */
class Family {
  readonly #metric: MetricInfo;
  readonly #bounds: Bounds;
  readonly #series = new Map<string, { readonly labels: string; readonly histogram: Histogram }>();

  constructor(metric: MetricInfo, bounds: Bounds) {
    this.#metric = metric;
    this.#bounds = bounds;
  }

  series(...values: readonly string[]): Histogram {
    const name = values.join('\n');
    const known = this.#series.get(name);
    if (known !== undefined) return known.histogram;
    const histogram = new Histogram(this.#bounds);
    this.#series.set(name, { labels: this.#labels(values), histogram });
    return histogram;
  }

  write(out: Exposition): void {
    out.begin(this.#metric);
    for (const { labels, histogram } of this.#series.values()) {
      histogram.write(out, this.#metric.name, labels);
    }
  }

  /** `error.type` is left out where nothing went wrong, as the conventions want it. */
  #labels(values: readonly string[]): string {
    const { labels } = this.#metric;
    const told = labels.map((_, at) => at).filter((at) => values[at] !== '');
    return renderLabels(
      told.map((at) => labels[at] ?? ''),
      told.map((at) => values[at] ?? ''),
    );
  }
}
