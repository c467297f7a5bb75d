/** What is asked of the machines behind a model or a backend. */
export interface ScaleFigures {
  /** Requests in line. */
  readonly waiting: number;
  /** Taken part of the places, 0 to 1; null when it is not known, which is neither high nor low. */
  readonly utilisation: number | null;
}

/** A bound in one direction. A figure that is null does not count; one of them is set. */
export interface ScaleBound {
  readonly waiting: number | null;
  readonly utilisation: number | null;
  /** How long it must be crossed without a break. */
  readonly forMs: number;
}

export interface ScaleBounds {
  /** Crossed when one of its figures is reached. null: never. */
  readonly up: ScaleBound | null;
  /** Crossed when all of its figures are reached from above. null: never. */
  readonly down: ScaleBound | null;
  /** Nothing is said for so long after something was: machines take a while to come and to go. */
  readonly cooldownMs: number;
}

export type ScaleDirection = 'up' | 'down';

export interface ScaleSignal {
  readonly direction: ScaleDirection;
  /** 1 for the first in this direction, then counting while it stays crossed. */
  readonly times: number;
}

/**
 * When to ask for more machines and when for fewer. Between the bounds nothing happens, so load
 * that hovers at one of them does not ask in turns. Times are monotonic milliseconds.
 */
export class ScaleWatch {
  readonly #bounds: ScaleBounds;
  #crossed: { readonly direction: ScaleDirection; readonly sinceMs: number } | null = null;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #times = 0;

  constructor(bounds: ScaleBounds) {
    this.#bounds = bounds;
  }

  /** Call it every second or so; null: nothing is to be done. */
  note(figures: ScaleFigures, nowMs: number): ScaleSignal | null {
    const direction = this.#direction(figures);
    if (direction !== this.#crossed?.direction) {
      this.#crossed = direction === null ? null : { direction, sinceMs: nowMs };
      this.#times = 0;
    }
    const bound = direction === null ? null : this.#bounds[direction];
    if (this.#crossed === null || bound === null) return null;
    if (nowMs - this.#crossed.sinceMs < bound.forMs || nowMs < this.#quietUntilMs) return null;
    this.#quietUntilMs = nowMs + this.#bounds.cooldownMs;
    this.#times += 1;
    return { direction: this.#crossed.direction, times: this.#times };
  }

  #direction({ waiting, utilisation }: ScaleFigures): ScaleDirection | null {
    const { up, down } = this.#bounds;
    if (up !== null) {
      const isOver =
        waiting >= (up.waiting ?? Number.POSITIVE_INFINITY) ||
        (utilisation ?? -1) >= (up.utilisation ?? Number.POSITIVE_INFINITY);
      if (isOver) return 'up';
    }
    if (down === null) return null;
    const isUnder =
      waiting <= (down.waiting ?? Number.POSITIVE_INFINITY) &&
      (down.utilisation === null || (utilisation !== null && utilisation <= down.utilisation));
    return isUnder ? 'down' : null;
  }
}
