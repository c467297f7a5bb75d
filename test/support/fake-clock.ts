import type { Clock } from '../../src/core/clock.ts';

/** A clock that stands still until it is told otherwise. */
export interface FakeClock extends Clock {
  /** Moves both clocks on. */
  advance(durationMs: number): void;
  /** Sets the wall clock alone, as an operator or NTP does. */
  setWall(nowMs: number): void;
  /** Sets the monotonic clock, also back, which a real one never does. */
  setMonotonic(monotonicMs: number): void;
}

export function createFakeClock(nowMs = Date.UTC(2026, 10, 18, 10, 30)): FakeClock {
  let wallMs = nowMs;
  let monotonicMs = 12_345.678;
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(durationMs) {
      wallMs += durationMs;
      monotonicMs += durationMs;
    },
    setWall(ms) {
      wallMs = ms;
    },
    setMonotonic(ms) {
      monotonicMs = ms;
    },
  };
}
