import type { HttpClient, OutgoingRequest, Sending } from '../http1/client.ts';

/**
 * What a health endpoint said. `loading`: that it is loading a model. `unavailable`: 503 without
 * such words, which engines say while they start and when they have died. `missing`: that there is
 * no such endpoint. `unreachable`: nothing, no connection could be made.
 */
export interface ProbeResult {
  readonly kind: 'ok' | 'loading' | 'unavailable' | 'missing' | 'failed' | 'unreachable';
  /** In words for operators; null when it is well. */
  readonly problem: string | null;
}

export interface ProbeEvents {
  /** Once, and not after `abort`. */
  onResult(result: ProbeResult): void;
  /** The connection is free. Once, after the result, and not after `abort`. */
  onDone(): void;
}

/** Of a body no more is read; it matters only for its words. */
const BODY_BYTES_MAX = 16_384;
const LOADING = /loading|starting|warming|initiali[sz]ing|not ready/i;

/**
 * Asks a health endpoint. The result is known with the status, so that a body without end holds
 * nothing up but its own connection until the deadline.
 */
export function startProbe(
  client: HttpClient,
  request: OutgoingRequest,
  events: ProbeEvents,
): { abort(): void } {
  const probe = new Probe(client, request, events);
  probe.send();
  return probe;
}

class Probe {
  readonly #client: HttpClient;
  readonly #request: OutgoingRequest;
  readonly #events: ProbeEvents;
  #sending: Sending | null = null;
  #resent = false;
  #isKnown = false;
  #isOver = false;
  #words = '';
  #sizeBytes = 0;

  constructor(client: HttpClient, request: OutgoingRequest, events: ProbeEvents) {
    this.#client = client;
    this.#request = request;
    this.#events = events;
  }

  send(): void {
    const { path } = this.#request;
    this.#sending = this.#client.send(this.#request, {
      onHead: ({ status }) => {
        if (status >= 200 && status < 300) this.#know('ok', null);
        else if (status === 404 || status === 405 || status === 501) {
          this.#know('missing', `${path} answers ${status}`);
        } else if (status !== 503) this.#know('failed', `${path} answers ${status}`);
      },
      onData: (bytes) => this.#take(bytes),
      onEnd: () => this.#end(),
      onFailure: ({ stage, cause, message }) => {
        // The backend closed an idle connection just then. That says nothing, and a GET is safe.
        const isStale = stage === 'sent_nothing_read' && this.#sending?.reusedConnection === true;
        if (isStale && (cause === 'closed' || cause === 'reset') && !this.#resent) {
          this.#resent = true;
          this.send();
          return;
        }
        const isTimeout = cause.endsWith('timeout');
        const isUnreachable = stage === 'nothing_sent' && !isTimeout;
        this.#know(isUnreachable ? 'unreachable' : 'failed', message);
        this.#done();
      },
    });
  }

  abort(): void {
    this.#isOver = true;
    this.#sending?.abort();
  }

  #take(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    if (!this.#isKnown) this.#words += Buffer.from(bytes).toString('latin1');
    if (this.#sizeBytes <= BODY_BYTES_MAX) return;
    this.#sending?.abort();
    this.#end();
  }

  #end(): void {
    const { path } = this.#request;
    // llama.cpp and others say so in words while they read the weights.
    if (LOADING.test(this.#words)) this.#know('loading', 'loading its model');
    else this.#know('unavailable', `${path} answers 503`);
    this.#done();
  }

  #know(kind: ProbeResult['kind'], problem: string | null): void {
    if (this.#isKnown || this.#isOver) return;
    this.#isKnown = true;
    this.#events.onResult({ kind, problem });
  }

  #done(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onDone();
  }
}
