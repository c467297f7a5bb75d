const ROWS_PER_PAGE = 256;

/**
 * Numbers in rows of one width. Plain memory in pages, because there may be a million rows and
 * growing must not copy them; rows count from 1, so that 0 can mean none.
 */
export class Sheet {
  readonly #width: number;
  readonly #pages: Float64Array[] = [];
  readonly #free: number[] = [];
  #rows = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** A row of zeros. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#rows % ROWS_PER_PAGE === 0) {
      this.#pages.push(new Float64Array(ROWS_PER_PAGE * this.#width));
    }
    this.#rows += 1;
    return this.#rows;
  }

  /** The row must not be used again until it is taken. */
  give(row: number): void {
    const at = this.at(row);
    this.page(row).fill(0, at, at + this.#width);
    this.#free.push(row);
  }

  /** The page that holds the row, which begins there at `at(row)`. */
  page(row: number): Float64Array {
    const page = this.#pages[Math.floor((row - 1) / ROWS_PER_PAGE)];
    if (page === undefined) throw new Error(`broken invariant: there is no row ${row}`);
    return page;
  }

  at(row: number): number {
    return ((row - 1) % ROWS_PER_PAGE) * this.#width;
  }
}
