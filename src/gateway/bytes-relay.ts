import type { GateError } from '../core/error.ts';
import { NO_USAGE } from '../core/usage.ts';
import { streamBroken } from './backend-failure.ts';
import type { BackendReply, BodySink } from './backend-reply.ts';
import { CallerStream } from './caller-stream.ts';
import type { Exchange, UsageSoFar } from './exchange.ts';

/**
 * Passes raw bytes on (speech, subtitles). One chunk is always held back, so that the last one is
 * sent only after the request is settled and after the framing has proved the body complete.
 */
export class BytesRelay implements BodySink {
  /** Resolves with the first byte; rejects when the answer fails before one. */
  readonly begun: Promise<void>;
  readonly #exchange: Exchange;
  readonly #reply: BackendReply;
  readonly #caller: CallerStream;
  #heldBack: Uint8Array | undefined;
  #ended = false;

  constructor(exchange: Exchange, reply: BackendReply) {
    this.#exchange = exchange;
    this.#reply = reply;
    this.#caller = new CallerStream(exchange, reply);
    this.begun = this.#caller.begun;
    exchange.usageSoFar = () => this.#usageSoFar();
    reply.pipeTo(this);
  }

  body(): ReadableStream<Uint8Array> {
    return this.#caller.body();
  }

  onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#exchange.firstTokenMs ??= this.#exchange.gate.clock.monotonicMs();
    if (this.#heldBack !== undefined) {
      this.#caller.write(this.#heldBack);
      this.#exchange.capture?.answer(this.#heldBack);
    }
    this.#heldBack = bytes;
    this.#caller.begin();
  }

  onEnd(closeDelimited: boolean): void {
    if (this.#ended) return;
    if (closeDelimited) return this.onBroken(streamBroken());
    this.#ended = true;
    const { usage, source } = this.#usageSoFar();
    if (this.#heldBack !== undefined) this.#exchange.capture?.answer(this.#heldBack);
    const settled = this.#exchange.finish({ kind: 'served', usage, source }, 200);
    void settled.then(() => {
      this.#caller.begin();
      this.#caller.end(this.#heldBack ?? null);
    });
  }

  onBroken(error: GateError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reply.discard();
    if (this.#heldBack === undefined) return this.#caller.refuse(error);
    void this.#exchange.fail(error).then(() => this.#caller.end(error));
  }

  #usageSoFar(): UsageSoFar {
    const inputTokens = this.#exchange.call?.shape.inputTokens ?? 0;
    const produced = this.#heldBack !== undefined;
    return { usage: { ...NO_USAGE, inputTokens }, source: 'counted', produced };
  }
}
