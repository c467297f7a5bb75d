import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Timers } from '../core/timers.ts';
import type { Log } from '../observe/log.ts';
import { Backoff } from './backoff.ts';
import { startDeadline } from './deadline.ts';
import { sendHttp } from './send-http.ts';
import { SinkFailure } from './sink-failure.ts';

/** Spans of finished requests that wait for their turn; past it new ones are dropped. */
const QUEUE_CHARS_MAX = 8 * 1024 * 1024;
const BATCH_SPANS_MAX = 512;
const BATCH_CHARS_MAX = 1024 * 1024;
/** How long spans wait for others to be sent with. */
const GATHER_MS = 1_000;
/** OpenTelemetry's own default. */
const TIMEOUT_MS = 10_000;
const ATTEMPTS_MAX = 5;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** What `close` takes at most. */
const FLUSH_DEADLINE_MS = 3_000;

export interface OtlpExporterOptions {
  /** Takes `POST`s of `ExportTraceServiceRequest` as JSON. */
  readonly endpoint: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Who sends: the attributes of the resource as a JSON list. */
  readonly resource: string;
  readonly version: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomBytes;
  readonly log: Log;
}

export interface OtlpStats {
  /** Spans that the collector took. */
  readonly exported: number;
  /** Spans lost: no room, refused, or tried too often. */
  readonly dropped: number;
  /** Batches that could not be delivered at once, each attempt counted. */
  readonly failures: number;
  /** Spans that wait, the batch on its way included. */
  readonly waiting: number;
}

interface Batch {
  readonly text: string;
  readonly spans: number;
}

/**
 * Sends spans to a collector, a batch at a time, with OTLP over HTTP in its JSON encoding and
 * without compression. Nobody waits for it: a collector that is slow, down or hangs costs what fits
 * into the queue, and counted drops.
 */
export class OtlpExporter {
  readonly #options: OtlpExporterOptions;
  readonly #head: string;
  readonly #backoff: Backoff;
  readonly #cut = new AbortController();
  #queue: string[] = [];
  #queuedChars = 0;
  #onItsWay = 0;
  #exported = 0;
  #dropped = 0;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #sending: Promise<void> | undefined;
  #endWait: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OtlpExporterOptions) {
    const { resource, version, random } = options;
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random });
    const scope = JSON.stringify({ name: 'llmgate', version });
    this.#head = `{"resourceSpans":[{"resource":{"attributes":${resource}},"scopeSpans":[{"scope":${scope},"spans":[`;
  }

  /** Spans of one request, a JSON object each; they stay together or are dropped together. */
  push(spans: readonly string[]): void {
    const chars = spans.reduce((sum, span) => sum + span.length, 0);
    if (this.#closing !== undefined || this.#queuedChars + chars > QUEUE_CHARS_MAX) {
      this.#dropped += spans.length;
      return;
    }
    for (const span of spans) this.#queue.push(span);
    this.#queuedChars += chars;
    if (this.#sending !== undefined) return;
    if (this.#hasWholeBatch()) this.#start();
    else this.#cancelTimer ??= this.#options.timers.after(GATHER_MS, () => this.#start());
  }

  stats(): OtlpStats {
    return {
      exported: this.#exported,
      dropped: this.#dropped,
      failures: this.#failures,
      waiting: this.#queue.length + this.#onItsWay,
    };
  }

  /** Sends what is left, for 3 s at most; what is left then is dropped. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Past this turn, so that `#closing` is set for whoever looks at it.
    await Promise.resolve();
    const cancel = this.#options.timers.after(FLUSH_DEADLINE_MS, () => this.#cut.abort());
    this.#endWait?.();
    while (this.#queue.length > 0 || this.#sending !== undefined) {
      this.#start();
      await this.#sending;
    }
    this.#cancelTimer?.();
    cancel();
  }

  #hasWholeBatch(): boolean {
    return this.#queue.length >= BATCH_SPANS_MAX || this.#queuedChars >= BATCH_CHARS_MAX;
  }

  #start(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#queue.length > 0 && this.#closing === undefined) {
        this.#cancelTimer ??= this.#options.timers.after(GATHER_MS, () => this.#start());
      }
    });
  }

  /** Whole batches; when it closes, or for the first one, whatever there is. */
  async #sendAll(): Promise<void> {
    do {
      const batch = this.#takeBatch();
      if (batch === null) return;
      this.#onItsWay = batch.spans;
      const isTaken = !this.#cut.signal.aborted && (await this.#deliver(batch));
      this.#onItsWay = 0;
      if (isTaken) this.#exported += batch.spans;
      else this.#dropped += batch.spans;
    } while (this.#hasWholeBatch() || this.#closing !== undefined);
  }

  #takeBatch(): Batch | null {
    const queue = this.#queue;
    let count = 0;
    let chars = 0;
    while (count < Math.min(queue.length, BATCH_SPANS_MAX)) {
      chars += queue[count]?.length ?? 0;
      if (count > 0 && chars > BATCH_CHARS_MAX) break;
      count += 1;
    }
    if (count === 0) return null;
    const spans = queue.splice(0, count);
    this.#queuedChars -= spans.reduce((sum, span) => sum + span.length, 0);
    return { text: `${this.#head}${spans.join(',')}]}]}]}`, spans: count };
  }

  /** False when it is given up: refused for what it is, or tried too often. */
  async #deliver({ text, spans }: Batch): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#post(text);
        if (this.#backoff.failures > 0) this.#options.log.info('traces_exported_again', {});
        this.#backoff.succeed();
        return true;
      } catch (cause) {
        this.#failures += 1;
        if (this.#backoff.failures === 0) {
          this.#options.log.warn('traces_not_exported', { spans, cause });
        }
        const failure = cause instanceof SinkFailure ? cause : null;
        const waitMs = this.#backoff.fail(failure?.retryAfterMs);
        const isFinal = failure === null || failure.kind !== 'unreachable';
        if (isFinal || attempt >= ATTEMPTS_MAX || this.#closing !== undefined) return false;
        await this.#wait(waitMs);
      }
    }
  }

  async #post(body: string): Promise<void> {
    const { endpoint, headers, clock, timers } = this.#options;
    using deadline = startDeadline(timers, TIMEOUT_MS, this.#cut.signal);
    await sendHttp(
      {
        method: 'POST',
        url: endpoint,
        headers: { ...Object.fromEntries(headers), 'content-type': 'application/json' },
        body,
      },
      { clock, timers },
      deadline.signal,
    );
  }

  #wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(waitMs, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
  }
}
