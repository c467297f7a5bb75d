import type { AnswerFault } from './answer-fault.ts';

/** A server chooses its statuses; past this many kinds they are counted as `other`. */
const CLASSES_MAX = 64;

export interface FaultCount {
  readonly class: string;
  readonly count: number;
  /** What the first one said. */
  readonly example: string;
}

/** Failures by class, the most frequent first. */
export class FaultCounts {
  readonly #byClass = new Map<string, { count: number; example: string }>();
  total = 0;

  add(fault: AnswerFault): void {
    this.total += 1;
    const known = this.#byClass.get(fault.class);
    if (known !== undefined) known.count += 1;
    else if (this.#byClass.size < CLASSES_MAX) {
      this.#byClass.set(fault.class, { count: 1, example: fault.detail.slice(0, 300) });
    } else this.add({ class: 'http_0', detail: 'kinds beyond the first 64' });
  }

  list(): FaultCount[] {
    return Array.from(this.#byClass, ([name, { count, example }]) => ({
      class: name,
      count,
      example,
    })).toSorted((one, other) => other.count - one.count);
  }
}
