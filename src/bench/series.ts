/** Points beyond this are joined in pairs, so a run of any length fits. */
const POINTS_MAX = 1_200;

export interface SeriesPoint {
  sent: number;
  completed: number;
  failed: number;
  /** Pieces of streams and tokens of whole answers, by when they came. */
  pieces: number;
  inFlightMax: number;
  ttftSumMs: number;
  ttftCount: number;
  e2elSumMs: number;
  e2elCount: number;
}

/** What happened in each second of a run, or in each few seconds of a long one. */
export class Series {
  /** Seconds that one point stands for. */
  widthS = 1;
  readonly points: SeriesPoint[] = [];

  /** The point for a moment of the run. Add to it. */
  at(elapsedMs: number): SeriesPoint {
    let index = Math.max(0, Math.floor(elapsedMs / 1_000 / this.widthS));
    while (index >= POINTS_MAX) {
      this.#halve();
      index = Math.floor(index / 2);
    }
    for (;;) {
      const point = this.points[index];
      if (point !== undefined) return point;
      this.points.push(createPoint());
    }
  }

  #halve(): void {
    this.widthS *= 2;
    const half = Math.ceil(this.points.length / 2);
    for (let index = 0; index < half; index += 1) {
      this.points[index] = join(this.points[2 * index], this.points[2 * index + 1]);
    }
    this.points.length = half;
  }
}

function createPoint(): SeriesPoint {
  return {
    sent: 0,
    completed: 0,
    failed: 0,
    pieces: 0,
    inFlightMax: 0,
    ttftSumMs: 0,
    ttftCount: 0,
    e2elSumMs: 0,
    e2elCount: 0,
  };
}

function join(one = createPoint(), other = createPoint()): SeriesPoint {
  return {
    sent: one.sent + other.sent,
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    pieces: one.pieces + other.pieces,
    inFlightMax: Math.max(one.inFlightMax, other.inFlightMax),
    ttftSumMs: one.ttftSumMs + other.ttftSumMs,
    ttftCount: one.ttftCount + other.ttftCount,
    e2elSumMs: one.e2elSumMs + other.e2elSumMs,
    e2elCount: one.e2elCount + other.e2elCount,
  };
}
