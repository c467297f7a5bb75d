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
  // Models are bounded before; operations and providers are small sets.
  const all = new Map<string, OperationSeries>();
  const seriesOf = (operation: string, provider: string, model: string) => {
    const name = `${operation}\n${provider}\n${model}`;
    const known = all.get(name);
    if (known !== undefined) return known;
    const series = new OperationSeries([operation, provider, model]);
    all.set(name, series);
    return series;
  };
  return {
    settled(fact, model) {
      const provider = fact.backend === null ? NO_PROVIDER : providerOf(fact.backend);
      seriesOf(GENAI_OPERATIONS[fact.endpoint], provider, model).settled(fact);
    },
    attempted(attempt) {
      const operation = GENAI_OPERATIONS[attempt.endpoint];
      seriesOf(operation, providerOf(attempt.backend), attempt.model).attempted(attempt);
    },
    write(out) {
      for (const metric of Object.values(GENAI_METRICS)) {
        out.begin(metric);
        for (const series of all.values()) series.write(out, metric);
      }
    },
  };
}

/** All histograms of one operation, provider and model; each is there once it has a sample. */
class OperationSeries {
  readonly #labels: readonly string[];
  /** By metric, then by its last label; an empty one is left out of the text. */
  readonly #histograms = new Map<MetricInfo, Map<string, Histogram>>();

  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  settled(fact: SettledFact): void {
    const { tokenUsage, serverDuration, timeToFirstToken, timePerOutputToken } = GENAI_METRICS;
    const {
      tokens,
      duration,
      timeToFirstToken: firstBounds,
      timePerOutputToken: gapBounds,
    } = GENAI_BOUNDS;
    this.#of(serverDuration, duration, fact.code ?? '').observe(fact.durationMs / 1_000);
    if (fact.outcome === 'refused') return;
    this.#of(tokenUsage, tokens, 'input').observe(fact.usage.inputTokens);
    this.#of(tokenUsage, tokens, 'output').observe(fact.usage.outputTokens);
    if (fact.streamed && fact.ttftMs !== null) {
      this.#of(timeToFirstToken, firstBounds, '').observe(fact.ttftMs / 1_000);
    }
    if (fact.interTokenMs !== null) {
      this.#of(timePerOutputToken, gapBounds, '').observe(fact.interTokenMs / 1_000);
    }
  }

  attempted({ outcome, durationMs, ttftMs }: EndedAttempt): void {
    const { clientDuration, timeToFirstChunk } = GENAI_METRICS;
    const error = outcome === 'ok' ? '' : outcome;
    this.#of(clientDuration, GENAI_BOUNDS.duration, error).observe(durationMs / 1_000);
    if (ttftMs === null) return;
    this.#of(timeToFirstChunk, GENAI_BOUNDS.duration, '').observe(ttftMs / 1_000);
  }

  /** `error.type` is left out where nothing went wrong, as the conventions want it. */
  write(out: Exposition, metric: MetricInfo): void {
    for (const [last, histogram] of this.#histograms.get(metric) ?? []) {
      const values = last === '' ? this.#labels : [...this.#labels, last];
      const labels = renderLabels(metric.labels.slice(0, values.length), values);
      histogram.write(out, metric.name, labels);
    }
  }

  #of(metric: MetricInfo, bounds: Bounds, last: string): Histogram {
    let byLast = this.#histograms.get(metric);
    if (byLast === undefined) {
      byLast = new Map();
      this.#histograms.set(metric, byLast);
    }
    let histogram = byLast.get(last);
    if (histogram === undefined) {
      histogram = new Histogram(bounds);
      byLast.set(last, histogram);
    }
    return histogram;
  }
}
