/** A limit on requests in flight. Shared by the counters of one rule, so that it can be changed. */
export interface Ceiling {
  /** The limit in words, for the caller who runs into it. */
  name: string;
  limit: number;
}

/** How many requests are in flight under one ceiling. */
export class Slots {
  readonly ceiling: Ceiling;
  inFlight = 0;
  /** True once it has left the books: whoever still points at it has to look it up again. */
  retired = false;

  constructor(ceiling: Ceiling) {
    this.ceiling = ceiling;
  }

  isFull(): boolean {
    return this.inFlight >= this.ceiling.limit;
  }

  isIdle(): boolean {
    return this.inFlight === 0;
  }
}
