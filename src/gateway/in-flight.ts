import type { Exchange } from './exchange.ts';

/**
 * The requests that have not been settled. An array in which every exchange knows its place:
 * a Set that things enter and leave all the time leaves old tables behind, and each of those keeps
 * what was in it alive until the next full garbage collection. Measured on this path, that made
 * every young collection fifty times as large.
 */
export class InFlight {
  readonly #exchanges: Exchange[] = [];

  get size(): number {
    return this.#exchanges.length;
  }

  add(exchange: Exchange): void {
    exchange.place = this.#exchanges.length;
    this.#exchanges.push(exchange);
  }

  /** The last one takes the place that comes free. */
  remove(exchange: Exchange): void {
    const last = this.#exchanges.pop();
    if (last === undefined || last === exchange) return;
    this.#exchanges[exchange.place] = last;
    last.place = exchange.place;
  }

  /** Those in flight now; ending one while walking through them is safe. */
  all(): readonly Exchange[] {
    return this.#exchanges.slice();
  }
}
