import { type Exposition, renderLabels } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { ATTEMPT_OUTCOMES, type AttemptOutcome } from './request-fact.ts';
import { REQUEST_BOUNDS } from './request-table.ts';

const PLACE_OF_OUTCOME = new Map<AttemptOutcome, number>(
  ATTEMPT_OUTCOMES.map((name, at) => [name, at]),
);

/** Attempts at one backend. */
export class BackendSeries {
  readonly #backend: string;
  readonly #attempts = new Float64Array(ATTEMPT_OUTCOMES.length);
  readonly #duration = new Histogram(REQUEST_BOUNDS.duration);

  constructor(backend: string) {
    this.#backend = backend;
  }

  record(outcome: AttemptOutcome, durationMs: number | undefined): void {
    const at = PLACE_OF_OUTCOME.get(outcome) ?? 0;
    this.#attempts[at] = (this.#attempts[at] ?? 0) + 1;
    if (durationMs !== undefined) this.#duration.observe(durationMs / 1_000);
  }

  writeAttempts(out: Exposition): void {
    for (const [at, count] of this.#attempts.entries()) {
      const outcome = ATTEMPT_OUTCOMES[at] ?? '';
      // The usual two from the start, so that their rates have a beginning.
      if (count === 0 && outcome !== 'ok' && outcome !== 'failed') continue;
      out.sample(renderLabels(['backend', 'outcome'], [this.#backend, outcome]), count);
    }
  }

  writeDurations(out: Exposition, name: string): void {
    this.#duration.write(out, name, renderLabels(['backend'], [this.#backend]));
  }
}
