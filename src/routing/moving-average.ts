/**
 * A mean in which a sample counts the less the older it is: `e^(-age / lifeMs)`. Samples of one
 * instant count alike, so it does not matter how fast they come.
 */
export class MovingAverage {
  readonly #lifeMs: number;
  #sum = 0;
  #weight = 0;
  #latestMs = 0;

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  add(sample: number, nowMs: number): void {
    const kept = this.#keptAt(nowMs);
    this.#sum = this.#sum * kept + sample;
    this.#weight = this.#weight * kept + 1;
    this.#latestMs = Math.max(nowMs, this.#latestMs);
  }

  /** The mean, however old; null before the first sample. */
  mean(): number | null {
    return this.#weight === 0 ? null : this.#sum / this.#weight;
  }

  /**
   * The mean together with `doubt` samples of zero that never grow old: close to `mean()` while
   * there are fresh samples, and towards zero the longer there were none. What was bad long ago is
   * tried again that way. Zero before the first sample.
   */
  doubted(doubt: number, nowMs: number): number {
    const kept = this.#keptAt(nowMs);
    return (this.#sum * kept) / (this.#weight * kept + doubt);
  }

  #keptAt(nowMs: number): number {
    const ageMs = nowMs - this.#latestMs;
    // Never quite nothing: a mean of zero weight would be no number.
    return ageMs <= 0 ? 1 : Math.max(1e-9, Math.exp(-ageMs / this.#lifeMs));
  }
}
