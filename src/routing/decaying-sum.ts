/** A sum in which what was added counts `e^(-age / lifeMs)`: how much there was lately. */
export class DecayingSum {
  readonly #lifeMs: number;
  #sum = 0;
  #latestMs = 0;

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  add(amount: number, nowMs: number): void {
    this.#sum = this.at(nowMs) + amount;
    this.#latestMs = Math.max(nowMs, this.#latestMs);
  }

  at(nowMs: number): number {
    const ageMs = nowMs - this.#latestMs;
    return ageMs <= 0 ? this.#sum : this.#sum * Math.exp(-ageMs / this.#lifeMs);
  }
}
