import { ENDPOINTS, type Endpoint } from '../../core/call.ts';
import { OUTCOME_NAMES, type OutcomeName } from '../../core/outcome.ts';
import { type Exposition, renderLabels } from './exposition.ts';
import { Histogram } from './histogram.ts';
import type { SettledFact } from './request-fact.ts';
import { REQUEST_BOUNDS } from './request-table.ts';

const PLACE_OF_ENDPOINT = new Map<Endpoint, number>(ENDPOINTS.map((name, at) => [name, at]));
const PLACE_OF_OUTCOME = new Map<OutcomeName, number>(OUTCOME_NAMES.map((name, at) => [name, at]));

/** Disjoint parts of input and output that `llmgate_token_parts_total` tells apart. */
export const TOKEN_PARTS = [
  'cached_input',
  'cache_write',
  'audio_input',
  'image_input',
  'reasoning',
  'audio_output',
  'image_output',
] as const;

/** Names and values of the labels that an operator asked for besides the usual ones. */
export interface ExtraLabels {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/**
 * Counters of one model, and of one combination of extra labels where there are any. Plain numbers
 * in fixed places: recording looks up nothing but the model.
 */
export class ModelCounters {
  readonly extra: ExtraLabels;
  readonly #requests = new Float64Array(ENDPOINTS.length * OUTCOME_NAMES.length);
  #input = 0;
  #output = 0;
  readonly #parts = new Float64Array(TOKEN_PARTS.length);
  #hasParts = false;
  /** Whole nano-dollars, so that a million tiny sums lose nothing. */
  costNanoUsd = 0;
  unpriced = 0;
  gpuUs = 0;

  constructor(extra: ExtraLabels) {
    this.extra = extra;
  }

  get inputTokens(): number {
    return this.#input;
  }

  get outputTokens(): number {
    return this.#output;
  }

  /** Has anything been recorded here? */
  get isUsed(): boolean {
    return this.#requests.some((count) => count > 0);
  }

  record(fact: SettledFact): void {
    const { usage, outcome } = fact;
    const row = PLACE_OF_ENDPOINT.get(fact.endpoint) ?? 0;
    const at = row * OUTCOME_NAMES.length + (PLACE_OF_OUTCOME.get(outcome) ?? 0);
    this.#requests[at] = (this.#requests[at] ?? 0) + 1;
    if (fact.costNanoUsd === null) {
      if (outcome !== 'refused') this.unpriced += 1;
    } else {
      this.costNanoUsd += fact.costNanoUsd;
    }
    this.gpuUs += fact.gpuUs;
    this.#input += usage.inputTokens;
    this.#output += usage.outputTokens;
    this.#add(0, usage.cachedInputTokens);
    this.#add(1, usage.cacheWriteTokens);
    this.#add(2, usage.audioInputTokens);
    this.#add(3, usage.imageInputTokens);
    this.#add(4, usage.reasoningTokens);
    this.#add(5, usage.audioOutputTokens);
    this.#add(6, usage.imageOutputTokens);
  }

  /** Requests of one outcome, over all endpoints. */
  requestsOf(outcome: OutcomeName): number {
    let sum = 0;
    const from = PLACE_OF_OUTCOME.get(outcome) ?? 0;
    for (let at = from; at < this.#requests.length; at += OUTCOME_NAMES.length) {
      sum += this.#requests[at] ?? 0;
    }
    return sum;
  }

  writeRequests(out: Exposition, model: string): void {
    const names = ['endpoint', 'model', 'outcome', ...this.extra.names];
    for (const [at, count] of this.#requests.entries()) {
      if (count === 0) continue;
      const endpoint = ENDPOINTS[Math.floor(at / OUTCOME_NAMES.length)] ?? '';
      const outcome = OUTCOME_NAMES[at % OUTCOME_NAMES.length] ?? '';
      out.sample(renderLabels(names, [endpoint, model, outcome, ...this.extra.values]), count);
    }
  }

  writeTokens(out: Exposition, model: string): void {
    const names = ['direction', 'model', ...this.extra.names];
    const { values } = this.extra;
    out.sample(renderLabels(names, ['input', model, ...values]), this.#input);
    out.sample(renderLabels(names, ['output', model, ...values]), this.#output);
  }

  writeParts(out: Exposition, model: string): void {
    if (!this.#hasParts) return;
    const names = ['model', 'part', ...this.extra.names];
    for (const [at, count] of this.#parts.entries()) {
      if (count === 0) continue;
      const values = [model, TOKEN_PARTS[at] ?? '', ...this.extra.values];
      out.sample(renderLabels(names, values), count);
    }
  }

  /** The labels of what is counted by model alone. */
  labels(model: string): string {
    return renderLabels(['model', ...this.extra.names], [model, ...this.extra.values]);
  }

  #add(part: number, tokens: number): void {
    if (tokens === 0) return;
    this.#hasParts = true;
    this.#parts[part] = (this.#parts[part] ?? 0) + tokens;
  }
}

/** Times of one model. */
export class ModelTimes {
  readonly #durations: (Histogram | undefined)[] = OUTCOME_NAMES.map(() => undefined);
  readonly timeToFirstToken = new Histogram(REQUEST_BOUNDS.timeToFirstToken);
  readonly interToken = new Histogram(REQUEST_BOUNDS.interToken);
  readonly queueWait = new Histogram(REQUEST_BOUNDS.queueWait);

  record(fact: SettledFact): void {
    const at = PLACE_OF_OUTCOME.get(fact.outcome) ?? 0;
    let duration = this.#durations[at];
    if (duration === undefined) {
      duration = new Histogram(REQUEST_BOUNDS.duration);
      this.#durations[at] = duration;
    }
    duration.observe(fact.durationMs / 1_000);
    // An answer in one piece shows its first token together with its last.
    if (fact.streamed && fact.ttftMs !== null) this.timeToFirstToken.observe(fact.ttftMs / 1_000);
    if (fact.interTokenMs !== null) this.interToken.observe(fact.interTokenMs / 1_000);
    const wasInLine = fact.backend !== null || fact.queueMs > 0;
    if (wasInLine) this.queueWait.observe(fact.queueMs / 1_000);
  }

  writeDurations(out: Exposition, name: string, model: string): void {
    for (const [at, duration] of this.#durations.entries()) {
      const outcome = OUTCOME_NAMES[at] ?? '';
      duration?.write(out, name, renderLabels(['model', 'outcome'], [model, outcome]));
    }
  }
}
