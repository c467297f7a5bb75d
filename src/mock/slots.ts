/**
 * Places in the running batch. Who finds none waits in order of arrival, as in vLLM. The queue is
 * bounded; who left it is forgotten at once.
 */
export class Slots {
  readonly #limit: number;
  readonly #queueLimit: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limit: number, queueLimit: number) {
    this.#limit = limit;
    this.#queueLimit = queueLimit;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `start` now or when a place is free. `full` when the queue has no room either. */
  take(start: () => void): 'started' | 'queued' | 'full' {
    if (this.#running < this.#limit) {
      this.#running++;
      start();
      return 'started';
    }
    if (this.#waiting.size >= this.#queueLimit) return 'full';
    this.#waiting.add(start);
    return 'queued';
  }

  /** Gives back the place that `start` holds or waits for. */
  give(start: () => void): void {
    if (this.#waiting.delete(start)) return;
    this.#running--;
    const [next] = this.#waiting;
    if (next === undefined || this.#running >= this.#limit) return;
    this.#waiting.delete(next);
    this.#running++;
    next();
  }
}
