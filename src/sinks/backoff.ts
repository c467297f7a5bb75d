import type { RandomBytes } from '../core/clock.ts';

/** Longest wait that another side may ask for: one typo in a header must not stop an export. */
const RETRY_AFTER_MAX_MS = 300_000;

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly random: RandomBytes;
}

/**
 * Waits between attempts: doubling from the first to the longest, each drawn between its half and
 * its whole, so that many gateways do not come back at once.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. `retryAfterMs` is what the other side asked for; it is honoured, capped. */
  fail(retryAfterMs = 0): number {
    const { firstMs, maxMs, random } = this.#options;
    const wholeMs = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    const share = 0.5 + (random(1)[0] ?? 0) / 512;
    return Math.max(Math.round(wholeMs * share), Math.min(retryAfterMs, RETRY_AFTER_MAX_MS));
  }

  succeed(): void {
    this.#failures = 0;
  }
}
