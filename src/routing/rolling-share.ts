const BUCKETS = 10;

/**
 * How many of some events were of one kind, over the last `windowMs`, in a tenth of that for a step.
 * Ten numbers twice, however many events; times that go back count for the newest step.
 */
export class RollingShare {
  /** Events of the kind that matters. They count in `whole` only where the owner adds them there. */
  part = 0;
  whole = 0;
  readonly #stepMs: number;
  /** The number of the newest step. */
  #at = Number.NEGATIVE_INFINITY;
  readonly #parts = new Float64Array(BUCKETS);
  readonly #wholes = new Float64Array(BUCKETS);

  constructor(windowMs: number) {
    this.#stepMs = Math.max(1, windowMs / BUCKETS);
  }

  /** When it last moved, in steps. Only good to be compared. */
  get at(): number {
    return this.#at;
  }

  /** Forgets what is older than the window. */
  moveTo(nowMs: number): void {
    const at = Math.floor(nowMs / this.#stepMs);
    if (at <= this.#at) return;
    for (let step = Math.max(this.#at + 1, at - BUCKETS + 1); step <= at; step++) {
      const index = indexOf(step);
      this.part -= this.#parts[index] ?? 0;
      this.whole -= this.#wholes[index] ?? 0;
      this.#parts[index] = 0;
      this.#wholes[index] = 0;
    }
    this.#at = at;
  }

  /** Counts events now; `moveTo` must have been called. */
  add(part: number, whole: number): void {
    const index = indexOf(this.#at);
    this.#parts[index] = (this.#parts[index] ?? 0) + part;
    this.#wholes[index] = (this.#wholes[index] ?? 0) + whole;
    this.part += part;
    this.whole += whole;
  }

  clear(): void {
    this.#parts.fill(0);
    this.#wholes.fill(0);
    this.part = 0;
    this.whole = 0;
  }
}

function indexOf(step: number): number {
  return ((step % BUCKETS) + BUCKETS) % BUCKETS;
}
