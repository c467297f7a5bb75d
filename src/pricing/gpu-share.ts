import type { Clock } from '../core/clock.ts';

/** The time of a backend's GPUs, divided among the requests that run on it at the same time. */
export interface GpuShares {
  begin(backend: string): GpuLease;
}

/** One request on one backend. */
export interface GpuLease {
  /** Microseconds of GPU time that fall to it. The first call ends it; later ones say the same. */
  end(): number;
}

/**
 * Every moment is divided by the number of requests that run in it. Kept as a clock for each
 * backend that runs at 1/n of real time while n requests run: a request owes what that clock
 * advanced between its begin and its end, so neither costs more than a few additions however many
 * run. The clock is whole microseconds and carries what a division leaves over, so the shares of
 * all requests add up to the time in which at least one ran, to the microsecond.
 */
export function createGpuShares(clock: Clock): GpuShares {
  // Idle backends are forgotten, so this is no larger than what is in flight.
  const busy = new Map<string, SharedClock>();
  const nowUs = () => Math.round(clock.monotonicMs() * 1_000);
  return {
    begin(backend) {
      const shared = busy.get(backend) ?? new SharedClock(nowUs());
      busy.set(backend, shared);
      const beganUs = shared.join(nowUs());
      let shareUs: number | undefined;
      return {
        end() {
          if (shareUs !== undefined) return shareUs;
          shareUs = shared.leave(nowUs()) - beganUs;
          if (shared.isIdle) busy.delete(backend);
          return shareUs;
        },
      };
    },
  };
}

class SharedClock {
  #running = 0;
  #readUs = 0;
  #lastUs: number;
  /** Real time that the last division left over; it goes into the next one. */
  #carriedUs = 0;

  constructor(nowUs: number) {
    this.#lastUs = nowUs;
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Returns what the clock shows. */
  join(nowUs: number): number {
    this.#advance(nowUs);
    this.#running += 1;
    return this.#readUs;
  }

  /** Returns what the clock shows. The last one out finds nothing left over. */
  leave(nowUs: number): number {
    this.#advance(nowUs);
    this.#running -= 1;
    return this.#readUs;
  }

  #advance(nowUs: number): void {
    const passedUs = Math.max(0, nowUs - this.#lastUs);
    this.#lastUs += passedUs;
    if (this.#running === 0) return;
    const sharedUs = this.#carriedUs + passedUs;
    this.#carriedUs = sharedUs % this.#running;
    this.#readUs += (sharedUs - this.#carriedUs) / this.#running;
  }
}
