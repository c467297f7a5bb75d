import type { AlertSource } from '../../sinks/alert-deliverer.ts';
import type { TroubleNote } from '../../sinks/trouble-message.ts';

/** Notes that wait for a webhook that does not take them. */
const KEPT_MAX = 100;

/** What is still to be told, in memory: a trouble that lasts is found again after a restart. */
export class TroubleQueue implements AlertSource<TroubleNote> {
  readonly #notes: TroubleNote[] = [];
  #dropped = 0;

  /** Notes forgotten because too many waited, the oldest first. */
  get dropped(): number {
    return this.#dropped;
  }

  push(note: TroubleNote): void {
    if (this.#notes.length >= KEPT_MAX) {
      this.#notes.shift();
      this.#dropped += 1;
    }
    this.#notes.push(note);
  }

  undelivered(limit: number): TroubleNote[] {
    return this.#notes.slice(0, limit);
  }

  markDelivered(note: TroubleNote): void {
    const at = this.#notes.indexOf(note);
    // It may have been pushed out while it was on its way.
    if (at >= 0) this.#notes.splice(at, 1);
  }
}
