/** Which replica answers a session; the sessions unused longest are forgotten. */
export class SessionPins {
  readonly #capacity: number;
  /** In order of use: a map keeps the order in which its keys were set. */
  readonly #pins = new Map<number, string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#pins.size;
  }

  /** Id of the backend; undefined for a session that is new or forgotten. */
  find(model: string, session: string): string | undefined {
    return this.#pins.get(keyOf(model, session));
  }

  pin(model: string, session: string, backend: string): void {
    const key = keyOf(model, session);
    this.#pins.delete(key);
    this.#pins.set(key, backend);
    if (this.#pins.size <= this.#capacity) return;
    for (const oldest of this.#pins.keys()) {
      this.#pins.delete(oldest);
      return;
    }
  }
}

/** Callers choose the names and how long they are: 53 bits of a hash take no more room than others. */
function keyOf(model: string, session: string): number {
  return Number(Bun.hash.xxHash3(`${model}\n${session}`) >> 11n);
}
