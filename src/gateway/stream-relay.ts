import type { GateError } from '../core/error.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import type { StreamReader } from '../protocols/wire.ts';
import { streamBroken } from './backend-failure.ts';
import type { BackendReply, BodySink } from './backend-reply.ts';
import { errorWithoutSecrets } from './backend-words.ts';
import { CallerStream } from './caller-stream.ts';
import type { Exchange, UsageSoFar } from './exchange.ts';

/**
 * Passes an event stream on, frame by frame, while a reader beside it counts.
 *
 * The protocol's terminal frame is held back until the request is settled, so whoever sees a clean
 * end can rely on the books. Whatever else ends the stream gets the protocol's error frame and no
 * terminal: a broken stream never looks complete.
 */
export class StreamRelay implements BodySink {
  /** Resolves with the first frame; rejects when the stream fails before one. */
  readonly begun: Promise<void>;
  readonly #exchange: Exchange;
  readonly #reply: BackendReply;
  readonly #reader: StreamReader;
  readonly #caller: CallerStream;
  #ended = false;

  constructor(exchange: Exchange, reply: BackendReply) {
    this.#exchange = exchange;
    this.#reply = reply;
    this.#caller = new CallerStream(exchange, reply);
    this.#reader = exchange.route.wire.openStream({
      usageRequested: exchange.call?.shape.usageRequested ?? false,
    });
    this.begun = this.#caller.begun;
    exchange.usageSoFar = () => this.#usageSoFar();
    reply.pipeTo(this);
  }

  body(): ReadableStream<Uint8Array> {
    return this.#caller.body();
  }

  onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    const { forward, end, fault } = this.#reader.push(bytes);
    if (this.#exchange.firstTokenMs === undefined && this.#reader.sawContent) {
      this.#exchange.firstTokenMs = this.#exchange.gate.clock.monotonicMs();
    }
    if (forward !== null) {
      this.#caller.begin();
      this.#caller.write(forward);
      this.#exchange.capture?.answer(forward);
    }
    if (fault !== null) this.#fail(fault);
    else if (end !== null) this.#complete(end);
  }

  onEnd(): void {
    // Framing that ends cleanly proves nothing: without its terminal a stream was cut.
    if (!this.#ended) this.#fail(streamBroken());
  }

  onBroken(error: GateError): void {
    if (!this.#ended) this.#fail(error);
  }

  async #complete(terminal: Uint8Array): Promise<void> {
    this.#ended = true;
    const { usage, isUsageSound } = this.#reader;
    this.#exchange.outputTokensCounted = this.#reader.outputTokensCounted;
    const outcome =
      usage === null
        ? ({ kind: 'served', usage: this.#counted(), source: 'counted' } as const)
        : ({ kind: 'served', usage, source: isUsageSound ? 'reported' : 'clamped' } as const);
    this.#exchange.capture?.answer(terminal);
    await this.#exchange.finish(outcome, 200);
    this.#caller.begin();
    this.#caller.end(terminal);
  }

  async #fail(error: GateError): Promise<void> {
    this.#ended = true;
    this.#reply.discard();
    if (!this.#exchange.replyHasBegun) return this.#caller.refuse(error);
    const { route, generation, id, capture } = this.#exchange;
    const told = errorWithoutSecrets(error, generation.secrets);
    const frame = route.wire.renderErrorFrame(told, id);
    capture?.answer(frame);
    await this.#exchange.fail(error);
    this.#caller.end(frame);
  }

  #usageSoFar(): UsageSoFar {
    const { usage, isUsageSound, outputTokensCounted, sawContent: produced } = this.#reader;
    this.#exchange.outputTokensCounted = outputTokensCounted;
    if (usage === null) return { usage: this.#counted(), source: 'counted', produced };
    // Running usage may lag behind what has already been passed on.
    const outputTokens = Math.max(usage.outputTokens, outputTokensCounted);
    const source = isUsageSound ? 'reported' : 'clamped';
    return { usage: { ...usage, outputTokens }, source, produced };
  }

  #counted(): Usage {
    const inputTokens = this.#exchange.call?.shape.inputTokens ?? 0;
    return { ...NO_USAGE, inputTokens, outputTokens: this.#reader.outputTokensCounted };
  }
}
