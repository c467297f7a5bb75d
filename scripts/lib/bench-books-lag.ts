import { closeSync, openSync, readSync } from 'node:fs';

// A thread that does not run may be at work, wait for a lock or a disk, or wait for a processor that
// others have. The kernel counts the last, so what others on the machine do is told apart.

/** How long the main thread has waited for a processor so far. */
export interface RunDelay {
  /** Milliseconds; 0 where the kernel does not say. */
  nowMs(): number;
  close(): void;
}

export function openRunDelay(): RunDelay {
  const buffer = Buffer.alloc(128);
  let file: number;
  try {
    file = openSync('/proc/self/schedstat', 'r');
  } catch {
    return { nowMs: () => 0, close() {} };
  }
  return {
    nowMs() {
      const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
      return Number(text.split(' ')[1]) / 1e6;
    },
    close: () => closeSync(file),
  };
}

/** Samples in milliseconds. */
export class Samples {
  #values: number[] = [];

  add(valueMs: number): void {
    this.#values.push(valueMs);
  }

  get count(): number {
    return this.#values.length;
  }

  above(limitMs: number): number {
    return this.#values.filter((value) => value > limitMs).length;
  }

  /** The value that so large a share of the samples stays below; 1 is the largest. */
  at(share: number): number {
    const sorted = Float64Array.from(this.#values).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }
}

/** What stopped the event loop, once a millisecond. */
export interface LagWatch {
  /** How late the timer came. */
  readonly lag: Samples;
  /** The same without the time in which the thread waited for a processor. */
  readonly ownLag: Samples;
  stop(): void;
}

export function watchLag(): LagWatch {
  const lag = new Samples();
  const ownLag = new Samples();
  const delay = openRunDelay();
  let lastMs = performance.now();
  let lastDelayMs = delay.nowMs();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const delayMs = delay.nowMs();
    const lateMs = Math.max(0, nowMs - lastMs - 1);
    lag.add(lateMs);
    ownLag.add(Math.max(0, lateMs - (delayMs - lastDelayMs)));
    lastMs = nowMs;
    lastDelayMs = delayMs;
  }, 1);
  return {
    lag,
    ownLag,
    stop() {
      clearInterval(timer);
      delay.close();
    },
  };
}
