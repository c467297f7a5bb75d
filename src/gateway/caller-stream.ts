import { GateError } from '../core/error.ts';
import type { Exchange } from './exchange.ts';

type Controller = ReadableStreamDirectController;

/** The last bytes of a clean end, or the error that tears the connection down instead. */
type Ending = Uint8Array | null | GateError;

/**
 * The caller's side of an answer that is passed on while it is made. Every write is flushed, so
 * the rhythm of the backend is the rhythm of the caller. A caller that reads too slowly makes the
 * backend wait; one that stops reading is taken for gone after `timeouts.idle`.
 */
export class CallerStream {
  readonly #exchange: Exchange;
  #controller: Controller | undefined;
  /** Written before the server asked for the body; bounded because the backend is paused then. */
  #early: Uint8Array[] = [];
  #earlyEnd: Ending | undefined;
  #isBlocked = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  body(): ReadableStream<Uint8Array> {
    const source = {
      type: 'direct' as const,
      pull: (controller: Controller) => this.#open(controller),
      cancel: () => this.#exchange.callerGone(),
    };
    return new ReadableStream<Uint8Array>(source);
  }

  write(bytes: Uint8Array): void {
    if (this.#controller === undefined) {
      this.#early.push(bytes);
      this.#exchange.serving?.reply.pause();
      return;
    }
    this.#send(this.#controller, bytes);
  }

  /**
   * Writes the last bytes and ends the body. An error instead closes the connection without the
   * end that HTTP framing promises: the only way to mark raw bytes as incomplete.
   */
  end(ending: Ending): void {
    if (this.#controller === undefined) {
      this.#earlyEnd = ending;
      return;
    }
    this.#close(this.#controller, ending);
  }

  #open(controller: Controller): void {
    this.#controller = controller;
    for (const bytes of this.#early) this.#send(controller, bytes);
    const waited = this.#early.length > 0;
    this.#early = [];
    if (this.#earlyEnd !== undefined) return this.#close(controller, this.#earlyEnd);
    if (waited && !this.#isBlocked) this.#exchange.serving?.reply.resume();
  }

  #send(controller: Controller, bytes: Uint8Array): void {
    try {
      const written = controller.write(bytes);
      controller.flush();
      if (written instanceof Promise) this.#block(written);
    } catch {
      // The connection closed under us; the abort signal tells the exchange.
      this.#exchange.callerGone();
    }
  }

  #block(drained: Promise<number>): void {
    if (this.#isBlocked) return;
    this.#isBlocked = true;
    this.#exchange.serving?.reply.pause();
    const stalled = setTimeout(() => this.#exchange.callerGone(), this.#exchange.generation.idleMs);
    const unblock = () => {
      clearTimeout(stalled);
      this.#isBlocked = false;
      this.#exchange.serving?.reply.resume();
    };
    drained.then(unblock, unblock);
  }

  #close(controller: Controller, ending: Ending): void {
    try {
      if (ending instanceof GateError) return controller.close(ending);
      if (ending !== null) controller.write(ending);
      controller.close();
    } catch {
      this.#exchange.callerGone();
    }
  }
}
