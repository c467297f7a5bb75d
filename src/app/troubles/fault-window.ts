/** Requests, and those of them that failed, over the last minutes. */
export interface FaultWindow {
  readonly requests: number;
  readonly failed: number;
}

interface Sample {
  readonly atMs: number;
  readonly requests: number;
  readonly faults: number;
}

/** Keeps running totals at regular looks, so that differences over a stretch of time can be told. */
export class FaultSamples {
  readonly #windowMs: number;
  readonly #samples: Sample[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes the totals of now; `atMs` is monotonic. What happened since the window began. */
  add(sample: Sample): FaultWindow {
    const samples = this.#samples;
    samples.push(sample);
    // The last one before the window stays: it is what the window began with.
    while ((samples[1]?.atMs ?? Number.POSITIVE_INFINITY) <= sample.atMs - this.#windowMs) {
      samples.shift();
    }
    const first = samples[0] ?? sample;
    return { requests: sample.requests - first.requests, failed: sample.faults - first.faults };
  }
}
