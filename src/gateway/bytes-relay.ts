import type { GateError } from '../core/error.ts';
import { NO_USAGE } from '../core/usage.ts';
import type { Attempt } from './attempt.ts';
import { streamBroken } from './backend-failure.ts';
import type { BodySink } from './backend-reply.ts';
import type { Exchange, UsageSoFar } from './exchange.ts';

/**
 * Passes raw bytes on (speech, subtitles). One chunk is always held back, so that the last one is
 * sent only after the request is settled and after the framing has proved the body complete.
 */
export class BytesRelay implements BodySink {
  /** Resolves with the first byte; rejects when the answer fails before one. */
  readonly begun: Promise<void>;
  readonly #resolveBegun: () => void;
  readonly #rejectBegun: (error: GateError) => void;
  readonly #exchange: Exchange;
  readonly #attempt: Attempt;
  #heldBack: Uint8Array | undefined;
  #ended = false;
  #isReleased = false;
  #onRelease: (() => void) | undefined;

  constructor(exchange: Exchange, attempt: Attempt) {
    this.#exchange = exchange;
    this.#attempt = attempt;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    this.#resolveBegun = resolve;
    this.#rejectBegun = reject;
    attempt.usageSoFar = () => this.#usageSoFar();
    attempt.reply.pipeTo(this);
  }

  /** The caller gets these bytes. */
  release(): void {
    this.#isReleased = true;
    this.#onRelease?.();
    this.#attempt.reply.resume();
  }

  onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#attempt.sawContent();
    this.#resolveBegun();
    if (!this.#isReleased) {
      const before = this.#onRelease;
      this.#onRelease = () => {
        before?.();
        this.#pass(bytes);
      };
      this.#attempt.reply.pause();
      return;
    }
    this.#pass(bytes);
  }

  onEnd(closeDelimited: boolean): void {
    if (this.#ended) return;
    if (closeDelimited) return this.onBroken(streamBroken());
    this.#ended = true;
    this.#resolveBegun();
    this.#whenReleased(() => void this.#complete());
  }

  onBroken(error: GateError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#attempt.reply.discard();
    this.#rejectBegun(error);
    this.#whenReleased(() => {
      void this.#exchange.fail(error).then(() => this.#exchange.stream.end(error));
    });
  }

  #whenReleased(act: () => void): void {
    if (this.#isReleased) return act();
    const before = this.#onRelease;
    this.#onRelease = () => {
      before?.();
      act();
    };
  }

  #pass(bytes: Uint8Array): void {
    if (this.#heldBack !== undefined) {
      this.#exchange.stream.write(this.#heldBack);
      this.#exchange.capture?.answer(this.#heldBack);
    }
    this.#heldBack = bytes;
  }

  async #complete(): Promise<void> {
    const { usage, source } = this.#usageSoFar();
    if (this.#heldBack !== undefined) this.#exchange.capture?.answer(this.#heldBack);
    await this.#exchange.finish({ kind: 'served', usage, source }, 200);
    this.#exchange.stream.end(this.#heldBack ?? null);
  }

  #usageSoFar(): UsageSoFar {
    const inputTokens = this.#exchange.call?.shape.inputTokens ?? 0;
    const produced = this.#heldBack !== undefined;
    return { usage: { ...NO_USAGE, inputTokens }, source: 'counted', produced };
  }
}
