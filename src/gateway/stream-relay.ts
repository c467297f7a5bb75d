import type { GateError } from '../core/error.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import type { StreamReader } from '../protocols/wire.ts';
import type { Attempt } from './attempt.ts';
import { streamBroken } from './backend-failure.ts';
import type { BodySink } from './backend-reply.ts';
import { errorWithoutSecrets } from './backend-words.ts';
import type { Exchange, UsageSoFar } from './exchange.ts';

/**
 * Passes an event stream on, frame by frame, while a reader beside it counts.
 *
 * Until `release` it is held back, so that another backend can still take over when this one fails
 * before it has said anything. The protocol's terminal frame is held back until the request is
 * settled, so whoever sees a clean end can rely on the books. Whatever else ends the stream gets
 * the protocol's error frame and no terminal: a broken stream never looks complete.
 */
export class StreamRelay implements BodySink {
  /** Resolves with the first content, or when holding back would last too long; else rejects. */
  readonly begun: Promise<void>;
  readonly #resolveBegun: () => void;
  readonly #rejectBegun: (error: GateError) => void;
  readonly #exchange: Exchange;
  readonly #attempt: Attempt;
  readonly #reader: StreamReader;
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #mayBegin = false;
  #ending: Uint8Array | GateError | undefined;
  #stopHoldTimer: (() => void) | undefined;
  #tokensCharged = 0;

  constructor(exchange: Exchange, attempt: Attempt) {
    this.#exchange = exchange;
    this.#attempt = attempt;
    this.#reader = exchange.route.wire.openStream({
      usageRequested: exchange.call?.shape.usageRequested ?? false,
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    this.#resolveBegun = () => {
      this.#mayBegin = true;
      this.#stopHoldTimer?.();
      resolve();
    };
    this.#rejectBegun = (error) => {
      this.#mayBegin = true;
      this.#stopHoldTimer?.();
      reject(error);
    };
    attempt.usageSoFar = () => this.#usageSoFar();
    attempt.reply.pipeTo(this);
    if (this.#mayBegin) return;
    // A backend that is silent after its head must not hold back the caller's for ever.
    const { gate, generation } = exchange;
    this.#stopHoldTimer = gate.after(generation.retries.holdMs, this.#resolveBegun);
  }

  /** The caller gets this stream: what was held back goes out, and everything after it at once. */
  release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    for (const bytes of held) this.#pass(bytes);
    if (this.#ending !== undefined) this.#conclude(this.#ending);
  }

  onData(bytes: Uint8Array): void {
    if (this.#ending !== undefined) return;
    const reader = this.#reader;
    const { forward, end, fault } = reader.push(bytes);
    if (reader.sawContent) {
      this.#attempt.sawContent();
      const tokens = reader.outputTokensCounted - this.#tokensCharged;
      if (tokens > 0) {
        this.#tokensCharged += tokens;
        this.#attempt.lease.output(tokens);
        // Screens show what a stream has said so far.
        if (this.#held === undefined)
          this.#exchange.outputTokensCounted = reader.outputTokensCounted;
      }
    }
    if (forward !== null) this.#pass(forward);
    const ending = fault ?? end;
    if (ending !== null) this.#end(ending);
    if (this.#held !== undefined && (reader.sawContent || this.#isHeldFull)) {
      this.#resolveBegun();
    }
  }

  onEnd(): void {
    // Framing that ends cleanly proves nothing: without its terminal a stream was cut.
    this.#end(streamBroken());
  }

  onBroken(error: GateError): void {
    this.#end(error);
  }

  #pass(bytes: Uint8Array): void {
    if (this.#held !== undefined) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.byteLength;
      return;
    }
    this.#exchange.stream.write(bytes);
    this.#exchange.capture?.answer(bytes);
  }

  /** Thinking aloud in comments or empty frames must not fill the memory. */
  get #isHeldFull(): boolean {
    return this.#heldBytes > this.#exchange.generation.retries.holdBytes;
  }

  #end(ending: Uint8Array | GateError): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    if (this.#held === undefined) return this.#conclude(ending);
    // Nothing was sent to the caller yet: a failure can still be another's success.
    if (ending instanceof Error) this.#rejectBegun(ending);
    else this.#resolveBegun();
  }

  #conclude(ending: Uint8Array | GateError): void {
    void (ending instanceof Error ? this.#fail(ending) : this.#complete(ending));
  }

  async #complete(terminal: Uint8Array): Promise<void> {
    const exchange = this.#exchange;
    const { usage, isUsageSound } = this.#reader;
    exchange.outputTokensCounted = this.#reader.outputTokensCounted;
    const outcome =
      usage === null
        ? ({ kind: 'served', usage: this.#counted(), source: 'counted' } as const)
        : ({ kind: 'served', usage, source: isUsageSound ? 'reported' : 'clamped' } as const);
    exchange.capture?.answer(terminal);
    await exchange.finish(outcome, 200);
    exchange.stream.end(terminal);
  }

  async #fail(error: GateError): Promise<void> {
    this.#attempt.reply.discard();
    const { route, generation, id, capture, stream } = this.#exchange;
    const told = errorWithoutSecrets(error, generation.secrets);
    const frame = route.wire.renderErrorFrame(told, id);
    capture?.answer(frame);
    await this.#exchange.fail(error);
    stream.end(frame);
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
