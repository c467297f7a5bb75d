import type { Clock } from '../../core/clock.ts';
import { GateError } from '../../core/error.ts';
import type { Timers } from '../../core/timers.ts';
import type { EngineUse } from './engine-processes.ts';

/** A start that fails may be bad luck; after two of them somebody else should answer. */
const STARTS_WAITED_FOR = 2;

interface Waiter {
  readonly arrivedMs: number;
  readonly untilMs: number;
  failedStarts: number;
  /** The first call counts. */
  serve(use: EngineUse): void;
  refuse(error: GateError): void;
}

export interface WaitOptions {
  readonly signal: AbortSignal;
  readonly maxWaitMs: number;
  /** What to say when the wait was too long. */
  readonly onTooLong: () => GateError;
}

/** The requests that wait for one process, in the order in which they came. */
export class EngineWaiters {
  readonly #clock: Clock;
  readonly #timers: Timers;
  /** Somebody left before being served. */
  readonly #onLeft: () => void;
  readonly #waiting = new Set<Waiter>();

  constructor(parts: { readonly clock: Clock; readonly timers: Timers }, onLeft: () => void) {
    this.#clock = parts.clock;
    this.#timers = parts.timers;
    this.#onLeft = onLeft;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** When the first of them came; null: there are none. */
  get oldestMs(): number | null {
    for (const waiter of this.#waiting) return waiter.arrivedMs;
    return null;
  }

  wait({ signal, maxWaitMs, onTooLong }: WaitOptions): Promise<EngineUse> {
    const { promise, resolve, reject } = Promise.withResolvers<EngineUse>();
    const arrivedMs = this.#clock.monotonicMs();
    const settle = () => {
      this.#waiting.delete(waiter);
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    };
    const waiter: Waiter = {
      arrivedMs,
      untilMs: arrivedMs + maxWaitMs,
      failedStarts: 0,
      serve(use) {
        settle();
        resolve(use);
      },
      refuse(error) {
        settle();
        reject(error);
      },
    };
    const leave = (error: GateError) => {
      waiter.refuse(error);
      this.#onLeft();
    };
    const onAbort = () => leave(toLeaving(signal.reason));
    const cancelTimer = this.#timers.after(maxWaitMs, () => leave(onTooLong()));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(waiter);
    return promise;
  }

  serveAll(use: () => EngineUse): void {
    for (const waiter of [...this.#waiting]) waiter.serve(use());
  }

  refuseAll(error: GateError): void {
    for (const waiter of [...this.#waiting]) waiter.refuse(error);
  }

  /** A start has failed: refuses those for whom the next one is too late, or one too many. */
  startFailed(retryAtMs: number, error: GateError): void {
    for (const waiter of [...this.#waiting]) {
      waiter.failedStarts += 1;
      if (waiter.failedStarts < STARTS_WAITED_FOR && retryAtMs < waiter.untilMs) continue;
      waiter.refuse(error);
    }
  }
}

/** What a wait ends with when its signal does. */
export function toLeaving(reason: unknown): GateError {
  if (reason instanceof GateError) return reason;
  return new GateError('caller_gone', 'The caller left while the model was loading.');
}
