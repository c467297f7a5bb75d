import { GateError } from '../core/error.ts';
import type { Bucket } from './bucket.ts';
import type { Slots } from './slots.ts';

/** Entries looked at when one is added: more than one, so that idle ones leave faster than come. */
const SWEEP_STEPS = 4;
/** Entries looked at when there is no room left, before a request is refused for it. */
const SWEEP_STEPS_WHEN_FULL = 256;

/**
 * All counters by id, bounded. A full bucket and an unused slot say nothing that a new one would
 * not say, so once half the room is taken those are dropped, a few with every counter added: there
 * is never a long sweep.
 */
export class Counters {
  readonly #counters = new Map<string, Bucket | Slots>();
  readonly #max: number;
  #sweep: MapIterator<[string, Bucket | Slots]>;
  evicted = 0;

  constructor(max: number) {
    this.#max = max;
    this.#sweep = this.#counters.entries();
  }

  get size(): number {
    return this.#counters.size;
  }

  get(id: string): Bucket | Slots | undefined {
    return this.#counters.get(id);
  }

  /** Throws `overloaded` when every counter is in use: no request passes uncounted. */
  add(id: string, counter: Bucket | Slots, nowMs: number): void {
    if (this.#counters.size >= this.#max / 2) this.#evictIdle(SWEEP_STEPS, nowMs);
    if (this.#counters.size >= this.#max) this.#evictIdle(SWEEP_STEPS_WHEN_FULL, nowMs);
    if (this.#counters.size >= this.#max) {
      throw new GateError('overloaded', 'The gateway counts as many limits as it can hold.');
    }
    this.#counters.set(id, counter);
  }

  /** Drops the counters whose id begins so, whatever they count. */
  retire(prefix: string): void {
    for (const [id, counter] of this.#counters) {
      if (id.startsWith(prefix)) this.#drop(id, counter);
    }
  }

  #evictIdle(steps: number, nowMs: number): void {
    for (let step = 0; step < steps; step += 1) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = this.#counters.entries();
        continue;
      }
      const [id, counter] = next.value;
      if (!counter.isIdle(nowMs)) continue;
      this.#drop(id, counter);
      this.evicted += 1;
    }
  }

  #drop(id: string, counter: Bucket | Slots): void {
    counter.retired = true;
    this.#counters.delete(id);
  }
}
