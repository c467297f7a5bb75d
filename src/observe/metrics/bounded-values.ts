/** What a value becomes when there are too many others. */
export const OTHER = 'other';

/**
 * The values of one label. The first so many keep their names; those after them share one, because
 * every value is a series that Prometheus keeps for months.
 */
export class BoundedValues {
  readonly label: string;
  readonly #max: number;
  readonly #known = new Set<string>([OTHER]);
  #overflows = 0;

  constructor(label: string, max: number) {
    this.label = label;
    this.#max = max;
  }

  /** Times that a value was not told. */
  get overflows(): number {
    return this.#overflows;
  }

  admit(value: string): string {
    if (this.#known.has(value)) return value;
    // One place is taken by OTHER itself.
    if (this.#known.size <= this.#max) {
      this.#known.add(value);
      return value;
    }
    this.#overflows += 1;
    return OTHER;
  }
}
