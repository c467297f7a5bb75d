import { type ErrorCode, traitsOf } from '../../core/error.ts';
import { NANO_PER_USD } from '../../core/money.ts';
import { OUTCOME_NAMES } from '../../core/outcome.ts';
import { BackendSeries } from './backend-series.ts';
import { BoundedValues, OTHER } from './bounded-values.ts';
import { type Exposition, renderLabels } from './exposition.ts';
import { createGenAiMetrics } from './genai-metrics.ts';
import { Histogram, type HistogramReading } from './histogram.ts';
import { type ExtraLabels, ModelCounters, ModelTimes } from './model-series.ts';
import type { AttemptOutcome, AttemptTimes, SettledFact } from './request-fact.ts';
import { REQUEST_BOUNDS, REQUEST_METRICS } from './request-table.ts';

export type ExtraLabel = 'key' | 'user' | 'team' | 'tenant';

/** What the label of a request says that named no model that exists. */
export const NO_MODEL = 'none';

/** Models and backends: not what callers send, yet a backend may list as many models as it likes. */
const NAMES_MAX = 1_000;

/** Combinations of extra labels: their values are bounded one by one, and multiply. */
const COMBINATIONS_MAX = 10_000;

export interface RequestMetricsOptions {
  readonly names: 'llmgate' | 'genai';
  /** Labels of requests, tokens and cost besides the usual ones. */
  readonly labels: readonly ExtraLabel[];
  /** Different values of each of these labels; further ones become `other`. */
  readonly maxLabelValues: number;
  /** Who is behind a backend, in OpenTelemetry's words; asked only for `genai`. */
  readonly providerOf: (backend: string) => string;
}

/** Counters and times of requests. Recording takes part of a microsecond and throws nothing. */
export interface RequestMetrics {
  /** Once for every request of a known caller, when it is settled. */
  settled(fact: SettledFact): void;
  /** Once for every attempt, when it has ended. */
  attempted(backend: string, outcome: AttemptOutcome, times?: AttemptTimes): void;
  /** By model, for `top`: what /metrics would say, without its text. */
  models(): readonly ModelReading[];
  /** Since the start. Faults are errors that are not the caller's. */
  totals(): RequestTotals;
  write(out: Exposition): void;
}

export interface RequestTotals {
  readonly requests: number;
  readonly faults: number;
}

/** What was counted for one model since the start. */
export interface ModelReading {
  readonly model: string;
  readonly requests: number;
  /** Every request that was not served. */
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  /** Seconds. */
  readonly ttft: HistogramReading;
  /** Seconds. */
  readonly interToken: HistogramReading;
}

export function createRequestMetrics(options: RequestMetricsOptions): RequestMetrics {
  return new OwnRequestMetrics(options);
}

interface ModelSeries {
  readonly model: string;
  readonly times: ModelTimes;
  /** Without extra labels, the only ones; with them, those of requests whose labels ran over. */
  readonly counters: ModelCounters;
  readonly combinations: Map<string, ModelCounters>;
}

class OwnRequestMetrics implements RequestMetrics {
  readonly #labels: readonly ExtraLabel[];
  readonly #modelNames: BoundedValues;
  readonly #backendNames: BoundedValues;
  readonly #extraValues: readonly BoundedValues[];
  readonly #models = new Map<string, ModelSeries>();
  readonly #backends = new Map<string, BackendSeries>();
  readonly #errors = new Map<ErrorCode, number>();
  readonly #overhead = new Histogram(REQUEST_BOUNDS.overhead);
  readonly #genAi: ReturnType<typeof createGenAiMetrics> | null;
  #requests = 0;
  #faults = 0;
  #combinations = 0;
  #combinationOverflows = 0;

  constructor({ names, labels, maxLabelValues, providerOf }: RequestMetricsOptions) {
    this.#labels = labels;
    this.#modelNames = new BoundedValues('model', NAMES_MAX);
    this.#backendNames = new BoundedValues('backend', NAMES_MAX);
    this.#extraValues = labels.map((label) => new BoundedValues(label, maxLabelValues));
    this.#genAi = names === 'genai' ? createGenAiMetrics(providerOf) : null;
  }

  settled(fact: SettledFact): void {
    const series = this.#models.get(fact.model) ?? this.#openModel(fact.model);
    const counters = this.#labels.length === 0 ? series.counters : this.#combined(series, fact);
    counters.record(fact);
    series.times.record(fact);
    this.#overhead.observe(fact.overheadMs / 1_000);
    this.#requests += 1;
    if (fact.code !== null) this.#countError(fact.code);
    this.#genAi?.settled(fact, series.model);
  }

  attempted(backend: string, outcome: AttemptOutcome, times?: AttemptTimes): void {
    const series = this.#backends.get(backend) ?? this.#openBackend(backend);
    series.record(outcome, times?.durationMs);
    if (this.#genAi === null || times === undefined) return;
    const { model } = this.#models.get(times.model) ?? this.#openModel(times.model);
    this.#genAi.attempted({ ...times, backend, outcome, model });
  }

  models(): readonly ModelReading[] {
    return Array.from(new Set(this.#models.values()), readModel);
  }

  totals(): RequestTotals {
    return { requests: this.#requests, faults: this.#faults };
  }

  write(out: Exposition): void {
    this.#writeCounters(out);
    this.#writeTimes(out);
    const backends = new Set(this.#backends.values());
    out.begin(REQUEST_METRICS.attempts);
    for (const backend of backends) backend.writeAttempts(out);
    out.begin(REQUEST_METRICS.attemptDuration);
    for (const backend of backends) {
      backend.writeDurations(out, REQUEST_METRICS.attemptDuration.name);
    }
    out.begin(REQUEST_METRICS.labelOverflow);
    for (const values of [this.#modelNames, this.#backendNames, ...this.#extraValues]) {
      out.sample(renderLabels(['label'], [values.label]), values.overflows);
    }
    if (this.#labels.length > 0) {
      out.sample(renderLabels(['label'], ['combination']), this.#combinationOverflows);
    }
    this.#genAi?.write(out);
  }

  #writeCounters(out: Exposition): void {
    const { requests, tokens, tokenParts, cost, unpriced, gpuTime, errors } = REQUEST_METRICS;
    const all: (readonly [string, ModelCounters])[] = [];
    for (const { model, counters, combinations } of new Set(this.#models.values())) {
      if (this.#labels.length === 0 || counters.isUsed) all.push([model, counters]);
      for (const combination of combinations.values()) all.push([model, combination]);
    }
    out.begin(requests);
    for (const [model, each] of all) each.writeRequests(out, model);
    out.begin(errors);
    for (const [code, count] of this.#errors) out.sample(renderLabels(['code'], [code]), count);
    out.begin(tokens);
    for (const [model, each] of all) each.writeTokens(out, model);
    out.begin(tokenParts);
    for (const [model, each] of all) each.writeParts(out, model);
    out.begin(cost);
    for (const [model, each] of all)
      out.sample(each.labels(model), each.costNanoUsd / NANO_PER_USD);
    out.begin(unpriced);
    for (const [model, each] of all) out.sample(each.labels(model), each.unpriced);
    out.begin(gpuTime);
    for (const [model, each] of all) out.sample(each.labels(model), each.gpuUs / 1e6);
  }

  #writeTimes(out: Exposition): void {
    const { duration, timeToFirstToken, interToken, queueWait, overhead } = REQUEST_METRICS;
    const all = Array.from(new Set(this.#models.values()), ({ model, times }) => {
      return { model, times, labels: renderLabels(['model'], [model]) };
    });
    out.begin(duration);
    for (const { model, times } of all) times.writeDurations(out, duration.name, model);
    out.begin(timeToFirstToken);
    for (const { times, labels } of all) {
      times.timeToFirstToken.write(out, timeToFirstToken.name, labels);
    }
    out.begin(interToken);
    for (const { times, labels } of all) times.interToken.write(out, interToken.name, labels);
    out.begin(queueWait);
    for (const { times, labels } of all) times.queueWait.write(out, queueWait.name, labels);
    out.begin(overhead);
    this.#overhead.write(out, overhead.name, '');
  }

  #openModel(name: string): ModelSeries {
    const model = this.#modelNames.admit(name === '' ? NO_MODEL : name);
    // A model whose name is not told shares the series of the others.
    const known = model === name ? undefined : this.#models.get(model);
    if (known !== undefined) return known;
    const extra = { names: this.#labels, values: this.#labels.map(() => OTHER) };
    const series = {
      model,
      times: new ModelTimes(),
      counters: new ModelCounters(extra),
      combinations: new Map(),
    };
    this.#models.set(model, series);
    if (name === '') this.#models.set(name, series);
    return series;
  }

  #openBackend(name: string): BackendSeries {
    const backend = this.#backendNames.admit(name);
    const known = this.#backends.get(backend);
    if (known !== undefined) return known;
    const series = new BackendSeries(backend);
    this.#backends.set(backend, series);
    return series;
  }

  #combined(series: ModelSeries, fact: SettledFact): ModelCounters {
    let name = '';
    for (const label of this.#labels) name += `${extraValue(fact, label)}\n`;
    return series.combinations.get(name) ?? this.#openCombination(series, fact);
  }

  #openCombination(series: ModelSeries, fact: SettledFact): ModelCounters {
    const values = this.#extraValues.map((bounded, index) => {
      const label = this.#labels[index];
      return bounded.admit(label === undefined ? '' : extraValue(fact, label));
    });
    const told = values.map((value) => `${value}\n`).join('');
    const known = series.combinations.get(told);
    if (known !== undefined) return known;
    if (this.#combinations >= COMBINATIONS_MAX) {
      this.#combinationOverflows += 1;
      return series.counters;
    }
    this.#combinations += 1;
    const extra: ExtraLabels = { names: this.#labels, values };
    const counters = new ModelCounters(extra);
    series.combinations.set(told, counters);
    return counters;
  }

  #countError(code: ErrorCode): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
    if (traitsOf(code).blame !== 'caller') this.#faults += 1;
  }
}

function extraValue(fact: SettledFact, label: ExtraLabel): string {
  if (label === 'key') return fact.keyId;
  return fact[label] ?? '';
}

function readModel({ model, times, counters, combinations }: ModelSeries): ModelReading {
  const reading = { requests: 0, errors: 0, inputTokens: 0, outputTokens: 0, costNanoUsd: 0 };
  for (const each of [counters, ...combinations.values()]) {
    for (const outcome of OUTCOME_NAMES) {
      const requests = each.requestsOf(outcome);
      reading.requests += requests;
      if (outcome !== 'served') reading.errors += requests;
    }
    reading.inputTokens += each.inputTokens;
    reading.outputTokens += each.outputTokens;
    reading.costNanoUsd += each.costNanoUsd;
  }
  const { timeToFirstToken, interToken } = times;
  return { model, ...reading, ttft: timeToFirstToken.read(), interToken: interToken.read() };
}
