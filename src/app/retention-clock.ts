import type { Clock } from '../core/clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Between two looks the wall clock and the monotonic one may drift apart by so much. */
const DRIFT_MAX_MS = 5 * MINUTE_MS;

/** After such a jump somebody must have had the time to see it. */
const LONG_JUMP_MS = 7 * DAY_MS;

/**
 * Decides whether the wall clock may be believed about what is past its time: a clock that is set a
 * year ahead by mistake makes everything old at once. It is believed once it has gone along with
 * the monotonic clock for an hour, and for a day after it was found more than a week ahead.
 */
export interface RetentionClock {
  /** To be asked every minute or so. Milliseconds that are still to be waited; 0 when trusted. */
  waitMs(): number;
}

/** `newestMs`: the newest time in the books; null for new ones. */
export function createRetentionClock(clock: Clock, newestMs: number | null): RetentionClock {
  let wallMs = clock.nowMs();
  let monotonicMs = clock.monotonicMs();
  let trustedAtMs = monotonicMs + toWait(newestMs === null ? 0 : wallMs - newestMs);
  return {
    waitMs() {
      const [nowMs, nowMonotonicMs] = [clock.nowMs(), clock.monotonicMs()];
      const aheadMs = nowMs - wallMs - (nowMonotonicMs - monotonicMs);
      if (Math.abs(aheadMs) > DRIFT_MAX_MS) {
        trustedAtMs = Math.max(trustedAtMs, nowMonotonicMs + toWait(aheadMs));
      }
      wallMs = nowMs;
      monotonicMs = nowMonotonicMs;
      return Math.max(0, trustedAtMs - nowMonotonicMs);
    },
  };
}

function toWait(aheadMs: number): number {
  return aheadMs > LONG_JUMP_MS ? DAY_MS : HOUR_MS;
}
