import { WINDOWS, type Window } from '../core/key.ts';
import { QUARTER_MS, windowStartMs } from './window.ts';
import type { Zone } from './zone.ts';

/**
 * When the current windows began. Looked at by every reservation, computed at most once in a
 * quarter of an hour, because no window begins within one.
 *
 * It never goes back: a wall clock that steps back into an earlier window would otherwise open
 * that window with nothing spent. Counting goes on in the newest window until time has caught up.
 */
export class Calendar {
  readonly zone: Zone;
  /** The latest time that was seen. */
  nowMs = 0;
  /** The quarter of an hour that it is in. */
  quarterMs = 0;
  /** In the order of `WINDOWS`. */
  readonly starts: number[] = WINDOWS.map(() => 0);

  constructor(nowMs: number, zone: Zone) {
    this.zone = zone;
    this.#begin(nowMs);
  }

  /** True when a new quarter of an hour, and with it perhaps a window, has begun. */
  advance(nowMs: number): boolean {
    if (nowMs <= this.nowMs) return false;
    this.nowMs = nowMs;
    if (nowMs < this.quarterMs + QUARTER_MS) return false;
    this.#begin(nowMs);
    return true;
  }

  startMs(window: Window): number {
    return this.starts[WINDOWS.indexOf(window)] ?? 0;
  }

  #begin(nowMs: number): void {
    this.nowMs = nowMs;
    this.quarterMs = nowMs - (nowMs % QUARTER_MS);
    for (const [index, window] of WINDOWS.entries()) {
      this.starts[index] = windowStartMs(window, nowMs, this.zone);
    }
  }
}
