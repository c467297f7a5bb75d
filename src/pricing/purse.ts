import { WINDOWS, type Window } from '../core/key.ts';
import type { Calendar } from './calendar.ts';

/** Nano-dollars in each of the current windows. */
export class Sums implements Record<Window, number> {
  hour = 0;
  day = 0;
  week = 0;
  month = 0;
  total = 0;
}

/**
 * What one key, or everybody, has spent in each current window, and what is held for requests in
 * flight. Plain numbers, because there may be a million of these; a sum stops at 2^53 nano-dollars
 * (nine million dollars). No budget can be larger than that, so none is ever passed by it.
 */
export class Purse {
  readonly spent = new Sums();
  #held: Sums | null = null;
  #holds = 0;
  /** The hour in which `spent` was last current; later windows start at nothing. */
  #hourMs: number;

  constructor(calendar: Calendar) {
    this.#hourMs = calendar.hour;
  }

  get holds(): number {
    return this.#holds;
  }

  held(window: Window): number {
    return this.#held?.[window] ?? 0;
  }

  /** Spent and held together: what is no longer to be had. */
  committed(window: Window): number {
    return this.spent[window] + this.held(window);
  }

  /** Starts the windows anew that have ended since the last call. Goes before anything else. */
  roll(calendar: Calendar): void {
    if (this.#hourMs === calendar.hour) return;
    for (const window of WINDOWS) {
      if (this.#hourMs >= calendar[window]) continue;
      this.spent[window] = 0;
      // Requests that hold something in the ended window will settle there, not in this one.
      if (this.#held !== null) this.#held[window] = 0;
    }
    this.#hourMs = calendar.hour;
  }

  hold(amount: number): void {
    this.#held ??= new Sums();
    for (const window of WINDOWS) this.#held[window] += amount;
    this.#holds += 1;
  }

  /** Ends a hold that was opened in the hour `openedMs`, in those windows that still run. */
  release(amount: number, openedMs: number, calendar: Calendar): void {
    this.#holds -= 1;
    if (this.#holds === 0) {
      this.#held = null;
      return;
    }
    if (this.#held === null) return;
    for (const window of WINDOWS) {
      if (openedMs >= calendar[window]) this.#held[window] -= amount;
    }
  }

  /** Adds money that was spent in the hour `spentMs`, in those windows that still run. */
  post(amount: number, spentMs: number, calendar: Calendar): void {
    for (const window of WINDOWS) {
      if (spentMs < calendar[window]) continue;
      this.spent[window] = Math.min(this.spent[window] + amount, Number.MAX_SAFE_INTEGER);
    }
  }
}
