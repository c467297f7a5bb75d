import type { Window } from '../core/key.ts';
import { HOUR_MS, windowStartMs } from './window.ts';

/**
 * When the current windows began. Looked up by every reservation, computed once an hour.
 *
 * It never goes back: a wall clock that steps back into an earlier window would otherwise open
 * that window with nothing spent. Counting goes on in the newest window until time has caught up.
 */
export class Calendar implements Readonly<Record<Window, number>> {
  hour = 0;
  day = 0;
  week = 0;
  month = 0;
  readonly total = 0;

  constructor(nowMs: number) {
    this.#begin(nowMs);
  }

  advance(nowMs: number): void {
    if (nowMs >= this.hour + HOUR_MS) this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.hour = windowStartMs('hour', nowMs);
    this.day = windowStartMs('day', nowMs);
    this.week = windowStartMs('week', nowMs);
    this.month = windowStartMs('month', nowMs);
  }
}
