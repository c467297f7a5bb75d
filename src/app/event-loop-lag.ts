import type { Clock } from '../core/clock.ts';

const PERIOD_MS = 100;

/**
 * Tells how late the event loop is, ten times a second: what a timer comes late by is what every
 * request waits at least. Returns what stops it.
 */
export function watchEventLoop(clock: Clock, tell: (lagMs: number) => void): () => void {
  let dueMs = clock.monotonicMs() + PERIOD_MS;
  const timer = setInterval(() => {
    const nowMs = clock.monotonicMs();
    tell(Math.max(0, nowMs - dueMs));
    dueMs = nowMs + PERIOD_MS;
  }, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}
