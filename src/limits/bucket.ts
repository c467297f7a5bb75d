import type { Rate } from './rule.ts';

/** Clocks and floats are only so exact: who is a microsecond early is not early. */
const SLACK_MS = 0.001;

/**
 * A token bucket: holds at most `burst`, refills at `count` per window, and may go into debt.
 *
 * Time is given with every call and must be monotonic. Should it step back all the same, nothing
 * is refilled for that step and counting goes on from there.
 */
export class Bucket {
  /** The limit in words, for the caller who runs into it. */
  name: string;
  /** Admissions that may still give something back. */
  inFlight = 0;
  /** True once it has left the books: whoever still points at it has to look it up again. */
  retired = false;
  #capacity: number;
  #perMs: number;
  #level: number;
  #atMs: number;

  constructor(rate: Rate, name: string, nowMs: number) {
    this.name = name;
    this.#capacity = rate.burst;
    this.#perMs = rate.count / rate.windowMs;
    this.#level = rate.burst;
    this.#atMs = nowMs;
  }

  /**
   * Milliseconds until `amount` may be taken: 0 for now, Infinity for a limit that allows nothing.
   * More than the bucket can ever hold may be taken from a full one; otherwise it never could be.
   */
  waitMs(amount: number, nowMs: number): number {
    this.#refill(nowMs);
    if (this.#capacity <= 0 || this.#perMs <= 0) return Number.POSITIVE_INFINITY;
    const missing = Math.min(amount, this.#capacity) - this.#level;
    return missing <= this.#perMs * SLACK_MS ? 0 : wholeMs(missing / this.#perMs);
  }

  /** Takes what `waitMs` allowed. */
  take(amount: number): void {
    this.#level -= amount;
    this.inFlight += 1;
  }

  /** Ends an admission. A positive `amount` is a refund, a negative one a further charge. */
  giveBack(amount: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#level = Math.min(this.#capacity, this.#level + amount);
    this.inFlight -= 1;
  }

  /** Changes the rate and keeps what has been used. */
  resize(rate: Rate, name: string, nowMs: number): void {
    this.#refill(nowMs);
    this.#level += rate.burst - this.#capacity;
    this.#capacity = rate.burst;
    this.#perMs = rate.count / rate.windowMs;
    this.name = name;
  }

  /** True when forgetting it changes nothing: a new one would be just as full. */
  isIdle(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.inFlight === 0 && this.#level >= this.#capacity;
  }

  get limit(): number {
    return this.#capacity;
  }

  /** Whole tokens that may be taken now, never negative. */
  remaining(nowMs: number): number {
    this.#refill(nowMs);
    return Math.max(0, Math.floor(this.#level + this.#perMs * SLACK_MS));
  }

  /** Milliseconds until it is full. */
  resetMs(nowMs: number): number {
    this.#refill(nowMs);
    const missing = this.#capacity - this.#level;
    return missing <= 0 || this.#perMs <= 0 ? 0 : wholeMs(missing / this.#perMs);
  }

  #refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (elapsedMs <= 0 || this.#level >= this.#capacity) return;
    this.#level = Math.min(this.#capacity, this.#level + elapsedMs * this.#perMs);
  }
}

/** Rounded up, but not for a hair: 1 / (1 / 86_400_000) is a little over 86_400_000. */
function wholeMs(durationMs: number): number {
  return Math.max(1, Math.ceil(durationMs - SLACK_MS / 2));
}
