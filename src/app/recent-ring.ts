/** Numbers what several rings remember, so that one `since` is enough for all of them. */
export interface Sequence {
  last: number;
}

/** The last so many things, each with a number that only grows. */
export class RecentRing<T> {
  readonly #sequence: Sequence;
  readonly #items: (T | undefined)[];
  readonly #numbers: Float64Array;
  #pushed = 0;

  constructor(sequence: Sequence, size: number) {
    this.#sequence = sequence;
    this.#items = new Array<T | undefined>(size).fill(undefined);
    this.#numbers = new Float64Array(size);
  }

  push(item: T): void {
    const at = this.#pushed % this.#items.length;
    this.#sequence.last += 1;
    this.#items[at] = item;
    this.#numbers[at] = this.#sequence.last;
    this.#pushed += 1;
  }

  /**
   * Those after number `since`, the newest first and at most `most`. `leftOut` counts those there
   * was no room for, as far as they are remembered.
   */
  since(since: number, most: number): { readonly items: T[]; readonly leftOut: number } {
    const size = this.#items.length;
    const items: T[] = [];
    const oldest = Math.max(0, this.#pushed - size);
    let leftOut = 0;
    for (let index = this.#pushed - 1; index >= oldest; index -= 1) {
      if ((this.#numbers[index % size] ?? 0) <= since) break;
      const item = this.#items[index % size];
      if (item === undefined || items.length >= most) leftOut += 1;
      else items.push(item);
    }
    return { items, leftOut };
  }
}
