/**
 * Durations in bounded memory, exact to 0.1 %: a histogram with 1,024 linear steps in each power
 * of two, after HdrHistogram (http://hdrhistogram.org) with three significant digits.
 */
const STEP_BITS = 10;
const STEPS = 1 << STEP_BITS;
/** Whole microseconds up to this are told apart; beyond it (71 minutes) they count as this. */
const MAX_US = 2 ** 32 - 1;

/** A percentile of fewer samples than this beyond it would be the luck of one or two of them. */
const TAIL_SAMPLES_MIN = 3;

/** Whether so few samples lie beyond a percentile that it says nothing. A median always does. */
export function isThin(count: number, percent: number): boolean {
  return percent > 50 && (count * (100 - percent)) / 100 < TAIL_SAMPLES_MIN - 1e-9;
}

export class DurationHistogram {
  /** Grows to the largest value seen; at most 23,552 counters. */
  #counts = new Float64Array(STEPS * 2);
  #count = 0;
  #mean = 0;
  /** Sum of squared distances from the mean (Welford's method). */
  #spread = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;

  /** Adds one duration. Negative ones count as 0: a clock cannot go back, but a float can. */
  record(durationMs: number): void {
    const ms = Math.max(durationMs, 0);
    const at = toIndex(Math.min(MAX_US, Math.round(ms * 1_000)));
    if (at >= this.#counts.length) this.#grow(at);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count += 1;
    const distance = ms - this.#mean;
    this.#mean += distance / this.#count;
    this.#spread += distance * (ms - this.#mean);
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  get count(): number {
    return this.#count;
  }

  /** Null without samples, as everything below. Milliseconds. */
  get mean(): number | null {
    return this.#count === 0 ? null : this.#mean;
  }

  /** Population standard deviation, as numpy's `std`. */
  get deviation(): number | null {
    return this.#count === 0 ? null : Math.sqrt(this.#spread / this.#count);
  }

  get min(): number | null {
    return this.#count === 0 ? null : this.#minMs;
  }

  get max(): number | null {
    return this.#count === 0 ? null : this.#maxMs;
  }

  /**
   * The smallest value that `percent` of the samples do not exceed (nearest rank). Null when fewer
   * than three samples lie beyond it, unless `force`: such a figure says nothing.
   */
  percentile(percent: number, force = false): number | null {
    if (this.#count === 0) return null;
    if (!force && isThin(this.#count, percent)) return null;
    // 0.9 * 10 is 9.000000000000002 in some orders of multiplication: a hair is taken off.
    const rank = Math.max(1, Math.ceil((percent * this.#count) / 100 - 1e-9));
    let seen = 0;
    for (let at = 0; at < this.#counts.length; at += 1) {
      seen += this.#counts[at] ?? 0;
      if (seen >= rank) return Math.min(this.#maxMs, Math.max(this.#minMs, toMiddleMs(at)));
    }
    return this.#maxMs;
  }

  /** Counts in steps for a plot: pairs of a value and how many samples lie at it. */
  *steps(): Generator<readonly [ms: number, count: number]> {
    for (let at = 0; at < this.#counts.length; at += 1) {
      const count = this.#counts[at] ?? 0;
      if (count > 0) yield [toMiddleMs(at), count];
    }
  }

  #grow(at: number): void {
    const grown = new Float64Array((Math.floor(at / STEPS) + 1) * STEPS);
    grown.set(this.#counts);
    this.#counts = grown;
  }
}

/** Values below 2,048 are their own index; above, each power of two has 1,024 steps. */
function toIndex(us: number): number {
  if (us < STEPS * 2) return us;
  const shift = 31 - Math.clz32(us) - STEP_BITS;
  return shift * STEPS + Math.floor(us / 2 ** shift);
}

function toMiddleMs(index: number): number {
  if (index < STEPS * 2) return index / 1_000;
  const shift = Math.floor(index / STEPS) - 1;
  const low = (index - shift * STEPS) * 2 ** shift;
  return (low + 2 ** shift / 2) / 1_000;
}
