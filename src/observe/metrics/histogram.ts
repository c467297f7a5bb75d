import { type Exposition, renderBound, renderNumber } from './exposition.ts';

/** Upper bounds of buckets, ascending, without the last one, which holds everything. */
export class Bounds {
  readonly values: Float64Array;
  /** `0.5"} ` and so on, up to `+Inf"} `: the end of a bucket's labels. */
  readonly labelEnds: readonly string[];

  constructor(values: readonly number[]) {
    this.values = Float64Array.from(values);
    this.labelEnds = [...values.map(renderBound), '+Inf'].map((bound) => `${bound}"} `);
  }
}

/** What a histogram holds at one moment. */
export interface HistogramReading {
  /** Upper bounds in the unit of the metric, ascending. */
  readonly bounds: readonly number[];
  /** Samples per bucket, not cumulated; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

/** One series of a histogram. Samples are counted where they fall and cumulated when read. */
export class Histogram {
  readonly #bounds: Bounds;
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.values.length + 1);
  }

  /** Below zero counts as zero (differences of clocks); what is no number is left out. */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    const { values } = this.#bounds;
    let at = 0;
    while (at < values.length && value > (values[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    if (value > 0) this.#sum += value;
  }

  read(): HistogramReading {
    const counts = Array.from(this.#counts);
    const count = counts.reduce((sum, each) => sum + each, 0);
    return { bounds: Array.from(this.#bounds.values), counts, count, sum: this.#sum };
  }

  /** Adds the lines of this series. `labels` as `renderLabels` makes them. */
  write(out: Exposition, name: string, labels: string): void {
    const { labelEnds } = this.#bounds;
    const open = `${name}_bucket${labels === '' ? '{' : `${labels.slice(0, -1)},`}le="`;
    let text = '';
    let count = 0;
    for (let at = 0; at < labelEnds.length; at += 1) {
      count += this.#counts[at] ?? 0;
      text += `${open}${labelEnds[at]}${count}\n`;
    }
    const sum = renderNumber(this.#sum);
    out.lines(`${text}${name}_sum${labels} ${sum}\n${name}_count${labels} ${count}\n`);
  }
}
