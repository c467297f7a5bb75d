import type { Timers } from '../../src/core/timers.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** A clock and its timers: nothing waits but for `advance`. */
export interface FakeTime {
  readonly clock: FakeClock;
  readonly timers: Timers;
  /** Timers that are set, as milliseconds from now, soonest first. */
  pending(): number[];
  /** Moves time on, running what becomes due in its order, each with all that follows from it. */
  advance(durationMs: number): Promise<void>;
  /** Resolves once a timer between these delays from now is set. */
  armed(minMs: number, maxMs?: number): Promise<void>;
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

export function createFakeTime(): FakeTime {
  const clock = createFakeClock();
  const timers = new Set<Timer>();
  const watchers = new Set<() => void>();
  const leftMs = ({ dueMs }: Timer) => Math.round((dueMs - clock.monotonicMs()) * 1_000) / 1_000;
  const pending = () => [...timers].map(leftMs).toSorted((a, b) => a - b);
  return {
    clock,
    timers: {
      after(delayMs, run) {
        const timer = { dueMs: clock.monotonicMs() + delayMs, run };
        timers.add(timer);
        for (const watcher of watchers) watcher();
        return () => void timers.delete(timer);
      },
    },
    pending,
    async advance(durationMs) {
      const untilMs = clock.monotonicMs() + durationMs;
      for (;;) {
        await settle();
        const [next] = [...timers].toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined || next.dueMs > untilMs) break;
        timers.delete(next);
        clock.advance(Math.max(0, next.dueMs - clock.monotonicMs()));
        next.run();
      }
      clock.advance(Math.max(0, untilMs - clock.monotonicMs()));
      await settle();
    },
    armed(minMs, maxMs = minMs) {
      const isArmed = () => pending().some((delay) => delay >= minMs && delay <= maxMs);
      return new Promise((resolve) => {
        const look = () => {
          if (!isArmed()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
  };
}

/** Lets everything run that waits for no socket, no disk and no timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
