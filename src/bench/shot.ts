import type { HttpClient, OutgoingRequest, Sending } from '../backends/http1/client.ts';
import type { ReplyHead } from '../backends/http1/reply-head.ts';
import type { SendFailure } from '../backends/http1/send-failure.ts';
import type { Clock } from '../core/clock.ts';
import { readBackendError } from '../protocols/backend-error.ts';
import type { AnswerFault } from './answer-fault.ts';
import type { BenchEndpoint } from './endpoint.ts';
import { StreamAnswer } from './stream-answer.ts';
import { WholeAnswer } from './whole-answer.ts';

/** What is told of a refusal is in its first bytes. */
const REFUSAL_BYTES_MAX = 16_384;

/** Tokens of a whole answer. `pieces`: the server did not say, so each piece counts as one. */
export interface AnswerTokens {
  readonly input: number | null;
  readonly output: number;
  readonly source: 'usage' | 'pieces';
  readonly statedNonsense: boolean;
}

export type ShotEnd =
  | { readonly kind: 'completed'; readonly tokens: AnswerTokens }
  | { readonly kind: 'failed'; readonly fault: AnswerFault }
  /** Left by us: on purpose, or because the run was over. */
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'incomplete' };

export interface ShotListener {
  /** Every piece of a streamed answer; `gapMs` is null for the first. */
  onPiece(shot: Shot, gapMs: number | null): void;
  /** Once, and nothing after it. */
  onEnd(shot: Shot, end: ShotEnd): void;
}

export interface ShotPlan {
  readonly index: number;
  /** When it should have been sent, on the monotonic clock. */
  readonly intendedMs: number;
  readonly endpoint: BenchEndpoint;
  readonly stream: boolean;
}

/** One request on its way, and what was seen of its answer. Times are on the monotonic clock. */
export class Shot {
  readonly plan: ShotPlan;
  sentMs = 0;
  endMs = 0;
  firstMs: number | null = null;
  secondMs: number | null = null;
  /** First piece that is not reasoning. */
  firstOutputMs: number | null = null;
  readonly #clock: Clock;
  readonly #listener: ShotListener;
  #answer: StreamAnswer | WholeAnswer | null = null;
  #refusal: Uint8Array[] | null = null;
  #refusalBytes = 0;
  #status = 0;
  #lastMs = 0;
  #sending: Sending | null = null;
  #over = false;

  constructor(plan: ShotPlan, clock: Clock, listener: ShotListener) {
    this.plan = plan;
    this.#clock = clock;
    this.#listener = listener;
  }

  send(client: HttpClient, request: OutgoingRequest): void {
    this.sentMs = this.#clock.monotonicMs();
    this.#sending = client.send(request, this);
  }

  /** Leaves, as a caller who hangs up does. */
  leave(kind: 'cancelled' | 'incomplete'): void {
    this.#sending?.abort();
    this.#finish({ kind });
  }

  // ── Told by the HTTP client ──────────────────────────────────────────────────────────────────

  onHead(head: ReplyHead): void {
    const { endpoint, stream } = this.plan;
    this.#status = head.status;
    if (head.status !== 200) {
      this.#refusal = [];
      return;
    }
    const type = head.headers.get('content-type') ?? '';
    const wanted = stream ? 'text/event-stream' : 'application/json';
    if (type.toLowerCase().startsWith(wanted)) {
      this.#answer = stream
        ? new StreamAnswer((isReasoning) => this.#gotPiece(isReasoning))
        : new WholeAnswer(endpoint);
    } else {
      const shown = type === '' ? 'none' : JSON.stringify(type.slice(0, 80));
      this.#fail({ class: 'wrong_content_type', detail: `content-type ${shown}, not ${wanted}` });
    }
  }

  onData(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#refusal !== null) {
      this.#refusalBytes += bytes.length;
      if (this.#refusalBytes <= REFUSAL_BYTES_MAX) this.#refusal.push(bytes);
      return;
    }
    const fault = this.#answer?.push(bytes) ?? null;
    if (fault !== null) this.#fail(fault);
  }

  onEnd(): void {
    if (this.#over) return;
    if (this.#refusal !== null) {
      const { message, code } = readBackendError(Buffer.concat(this.#refusal));
      const detail = [code, message].filter((word) => word !== null).join(': ');
      this.#finish({ kind: 'failed', fault: { class: `http_${this.#status}`, detail } });
      return;
    }
    const answer = this.#answer;
    if (answer === null) return;
    const fault = answer.finish();
    if (fault !== null) this.#finish({ kind: 'failed', fault });
    else this.#finish({ kind: 'completed', tokens: countTokens(answer, this.plan.endpoint) });
  }

  onFailure({ cause, message }: SendFailure): void {
    if (this.#over) return;
    // Half a stream is one fault, however the connection ended.
    const isHalf =
      this.#answer instanceof StreamAnswer && (cause === 'closed' || cause === 'reset');
    const kind = isHalf ? 'stream_broken' : cause;
    this.#finish({ kind: 'failed', fault: { class: kind, detail: message } });
  }

  // ── Inside ───────────────────────────────────────────────────────────────────────────────────

  #gotPiece(isReasoning: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    const isFirst = this.firstMs === null;
    if (isFirst) this.firstMs = nowMs;
    else if (this.secondMs === null) this.secondMs = nowMs;
    if (!isReasoning && this.firstOutputMs === null) this.firstOutputMs = nowMs;
    this.#listener.onPiece(this, isFirst ? null : nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  #fail(fault: AnswerFault): void {
    this.#sending?.abort();
    this.#finish({ kind: 'failed', fault });
  }

  #finish(end: ShotEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.endMs = this.#clock.monotonicMs();
    this.#listener.onEnd(this, end);
  }
}

function countTokens(answer: StreamAnswer | WholeAnswer, endpoint: BenchEndpoint): AnswerTokens {
  const { stated } = answer;
  const pieces = answer instanceof StreamAnswer ? answer.pieces : 0;
  // Text came, so it was not zero tokens.
  const isDenied = stated?.output === 0 && pieces > 0;
  const statedNonsense = answer.statedNonsense || isDenied;
  if (stated !== null && !isDenied) return { ...stated, source: 'usage', statedNonsense };
  return {
    input: stated?.input ?? null,
    output: endpoint === 'embeddings' ? 0 : pieces,
    source: 'pieces',
    statedNonsense,
  };
}
