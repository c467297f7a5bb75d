import { timingSafeEqual } from 'node:crypto';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Answer, EngineView, JsonObject } from './answer.ts';
import {
  type Behaviour,
  DEFAULT_BEHAVIOUR,
  parseBehaviour,
  parseBehaviourText,
} from './behaviour.ts';
import type { Connection } from './connection.ts';
import { type Counters, createCounters, type MockStats, resetCounters } from './counters.ts';
import type { HttpRequest } from './http-request.ts';
import { Invoice, toInvoiceTokens, type UsageSent } from './invoice.ts';
import { EngineMetrics } from './metrics.ts';
import { DEFAULT_MODEL, type MockOptions } from './options.ts';
import { createUnknownModel } from './refusal.ts';
import { type EndedBy, LogEntry, RequestLog } from './request-log.ts';
import { findRoute, type Route } from './routes.ts';
import { Script } from './script.ts';
import { SeededRandom } from './seeded-random.ts';
import { Slots } from './slots.ts';
import { TimerWheel } from './timer-wheel.ts';
import { countsAfter, NO_TOKENS } from './token-counts.ts';
import { Waiters } from './waiters.ts';

const DEFAULT_MAX_QUEUED = 10_000;
const DEFAULT_LOG_REQUESTS = 10_000;
const DEFAULT_INVOICE_LINES = 1_000_000;
const DEFAULT_KV_CACHE_TOKENS = 1_000_000;
const BEARER = /^Bearer +/i;

/** How far a request got before it ended. */
interface RanFor {
  /** null: it was refused or its answer replaced. */
  readonly answer: Answer | null;
  /** 0: it never left the queue. */
  readonly startedMs: number;
  readonly firstTokenMs: number;
  /** Tokens of each choice. */
  readonly stepsMade: number;
  readonly usageSent: UsageSent;
}

/** What one mock remembers and counts, apart from its sockets. */
export class Engine implements EngineView {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: SeededRandom;
  readonly seed: number;
  readonly models: readonly string[];
  readonly contextTokens: number | null;
  readonly startedSeconds: number;
  readonly script = new Script();
  readonly counters: Counters = createCounters();
  readonly waiters = new Waiters();
  readonly metrics: EngineMetrics;
  readonly log: RequestLog;
  readonly invoice: Invoice;
  behaviour: Behaviour;
  /** Whether new connections are taken. */
  isListening = false;
  readonly #initial: Behaviour;
  readonly #slots: Slots;
  readonly #isAnyModel: boolean;
  readonly #apiKey: Buffer | null;
  #serial = 0;

  /** Throws `BehaviourError` when `options.behaviour` is wrong. */
  constructor(options: MockOptions) {
    this.clock = options.clock ?? systemClock;
    this.wheel = new TimerWheel(this.clock);
    this.seed = options.seed ?? 1;
    this.random = new SeededRandom(this.seed);
    this.models = options.models ?? [DEFAULT_MODEL];
    this.contextTokens = options.contextTokens ?? null;
    this.startedSeconds = Math.floor(this.clock.nowMs() / 1000);
    this.metrics = new EngineMetrics(options.kvCacheTokens ?? DEFAULT_KV_CACHE_TOKENS, this.models);
    this.invoice = new Invoice(options.invoiceLines ?? DEFAULT_INVOICE_LINES);
    this.log = new RequestLog(options.logRequests ?? DEFAULT_LOG_REQUESTS);
    this.behaviour = parseBehaviour(DEFAULT_BEHAVIOUR, options.behaviour ?? {});
    this.#initial = this.behaviour;
    this.#slots = new Slots(
      options.maxConcurrent ?? Number.POSITIVE_INFINITY,
      options.maxQueued ?? DEFAULT_MAX_QUEUED,
    );
    this.#isAnyModel = options.isAnyModel ?? options.models === undefined;
    const { apiKey = null } = options;
    this.#apiKey = apiKey === null ? null : Buffer.from(apiKey);
  }

  get inFlight(): number {
    return this.counters.in_flight;
  }

  routeFor(request: HttpRequest): Route | undefined {
    return findRoute(request.method, request.path);
  }

  begin(request: HttpRequest, connection: Connection, route: Route | undefined): LogEntry {
    if (route?.isProbe === true) this.counters.probes++;
    else {
      this.counters.requests++;
      this.counters.in_flight++;
    }
    const entry = new LogEntry(
      request,
      {
        id: ++this.#serial,
        connection: connection.id,
        requestOnConnection: connection.requests,
        isProbe: route?.isProbe ?? false,
      },
      { wallMs: this.clock.nowMs(), monotonicMs: this.clock.monotonicMs() },
    );
    entry.authorized = this.#isAuthorized(request);
    this.log.add(entry);
    this.waiters.changed();
    return entry;
  }

  modelOf(body: JsonObject): string {
    const { model } = body;
    return typeof model === 'string' ? model : (this.models[0] ?? DEFAULT_MODEL);
  }

  /** Throws `Refusal` for a model that is not served. */
  checkModel(route: Route, model: string): void {
    if (route.isProbe || this.#isAnyModel || this.models.includes(model)) return;
    throw createUnknownModel(model);
  }

  /** The defaults, then `x-mock`, then the script: the nearest to this request wins. */
  behaviourFor(request: HttpRequest, route: Route, model: string): Behaviour {
    let behaviour = route.isProbe ? DEFAULT_BEHAVIOUR : this.behaviour;
    const header = request.headers.get('x-mock');
    if (header !== undefined) behaviour = parseBehaviourText(behaviour, header);
    return this.script.apply(behaviour, request, model);
  }

  /** The API wants a key and this request has not got it. Health and metrics are open. */
  isKeyMissing(entry: LogEntry, { path }: HttpRequest): boolean {
    return this.#apiKey !== null && !entry.authorized && path.startsWith('/v1/');
  }

  drawsFailure({ failRate }: Behaviour): boolean {
    return failRate > 0 && this.random.next() < failRate;
  }

  /** False when neither the batch nor the queue has a place. */
  takeSlot(entry: LogEntry, taker: () => void): boolean {
    const place = this.#slots.take(taker);
    if (place === 'queued') this.#setQueued(entry, true);
    return place !== 'full';
  }

  giveSlot(taker: () => void): void {
    this.#slots.give(taker);
  }

  started(entry: LogEntry, { counts }: Answer): void {
    if (entry.isProbe) return;
    this.#setQueued(entry, false);
    this.counters.prompt_tokens += counts.prompt;
    this.metrics.started(entry.model, counts);
  }

  generated(model: string, tokens: number): void {
    this.counters.completion_tokens += tokens;
    this.metrics.generated(model, tokens);
  }

  end(entry: LogEntry, endedBy: EndedBy, ran: RanFor): void {
    const endedMs = this.clock.monotonicMs();
    this.#setQueued(entry, false);
    entry.endedBy = endedBy;
    entry.endedMonotonicMs = endedMs;
    if (!entry.isProbe) this.#countEnd(entry, endedBy);
    const { answer, startedMs, firstTokenMs } = ran;
    if (!entry.isProbe) this.#bill(entry, endedBy, ran);
    if (answer !== null && startedMs > 0 && !entry.isProbe) {
      const times = { arrivedMs: entry.startedMonotonicMs, startedMs, firstTokenMs, endedMs };
      const reason = endedBy === 'complete' ? answer.finishReason : 'abort';
      this.metrics.ended(entry.model, answer.counts, times, reason);
    }
    this.waiters.changed();
  }

  #bill(entry: LogEntry, endedBy: EndedBy, ran: RanFor): void {
    const { answer, startedMs, stepsMade, usageSent } = ran;
    const hasRun = answer !== null && startedMs > 0 && !answer.isFree;
    const isWhole = hasRun && stepsMade >= answer.steps;
    const counts = !hasRun
      ? NO_TOKENS
      : isWhole
        ? answer.counts
        : countsAfter(answer.counts, stepsMade, answer.choices);
    this.invoice.add({
      id: entry.id,
      x_request_id: entry.requestId,
      path: entry.path,
      model: entry.model,
      ended_by: endedBy,
      status: entry.status,
      fault: entry.fault,
      usage_sent: usageSent,
      ...toInvoiceTokens(counts),
    });
  }

  /** Every inference request is in exactly one of these, or stopped with the mock. */
  #countEnd(entry: LogEntry, endedBy: EndedBy): void {
    const { counters } = this;
    counters.in_flight--;
    if (endedBy === 'caller_left') {
      counters.left_by_caller++;
      if (entry.stream) counters.streams_left_by_caller++;
    } else if (entry.isRefused) counters.refused++;
    else if (endedBy === 'complete') counters.completed++;
    else if (endedBy === 'fault') counters.faults++;
  }

  renderMetrics(): string {
    return this.metrics.render();
  }

  stats(): MockStats {
    return {
      ...this.counters,
      queued: this.#slots.waiting,
      is_listening: this.isListening,
      log_dropped: this.log.dropped,
      invoice_dropped: this.invoice.dropped,
      script_left: this.script.left,
    };
  }

  /** As after the start, but for what is open or in flight. */
  reset(): void {
    this.behaviour = this.#initial;
    this.script.clear();
    this.log.clear();
    this.invoice.clear();
    this.metrics.reset();
    resetCounters(this.counters);
    this.waiters.changed();
  }

  #setQueued(entry: LogEntry, isQueued: boolean): void {
    if (entry.isQueued === isQueued) return;
    entry.isQueued = isQueued;
    this.metrics.waiting(entry.model, isQueued ? 1 : -1);
  }

  #isAuthorized({ headers }: HttpRequest): boolean {
    const given =
      headers.get('authorization')?.replace(BEARER, '') ??
      headers.get('x-api-key') ??
      headers.get('api-key');
    if (this.#apiKey === null || given === undefined) return given !== undefined;
    const bytes = Buffer.from(given);
    return bytes.length === this.#apiKey.length && timingSafeEqual(bytes, this.#apiKey);
  }
}
