import { RollingShare } from './rolling-share.ts';

/** Second attempts that are always allowed, so that a quiet backend can be retried at all. */
const ALWAYS = 3;
const WINDOW_MS = 10_000;
/** Backends beyond this many are those of configurations long gone. */
const BACKENDS_MAX = 4_096;

/**
 * Keeps retries from turning a failing backend into a storm: over the last ten seconds a backend
 * gets at most `ratio` of its requests a second time, or three when that is more. At a ratio of 0.2
 * it never sees more than 1.2 times the traffic.
 */
export interface RetryBudget {
  readonly ratio: number;
  /** A request is sent to the backend that no other had before. Times never go back. */
  count(backend: string, nowMs: number): void;
  /** Takes one retry from the budget of the backend that gets it; false when it is used up. */
  take(backend: string, nowMs: number): boolean;
  /** Another ratio after a reload; what was counted stays. */
  replaceRatio(ratio: number): void;
  /** Retries that were given and refused since the start. */
  readonly taken: number;
  readonly refused: number;
}

export function createRetryBudget({ ratio: first }: { readonly ratio: number }): RetryBudget {
  const windows = new Map<string, RollingShare>();
  let ratio = first;
  let taken = 0;
  let refused = 0;

  function open(backend: string, nowMs: number): RollingShare {
    let window = windows.get(backend);
    if (window === undefined) {
      if (windows.size >= BACKENDS_MAX) dropOldest(windows);
      window = new RollingShare(WINDOW_MS);
      windows.set(backend, window);
    }
    window.moveTo(nowMs);
    return window;
  }

  return {
    get ratio() {
      return ratio;
    },
    count(backend, nowMs) {
      open(backend, nowMs).add(0, 1);
    },
    take(backend, nowMs) {
      const window = open(backend, nowMs);
      const isAllowed = window.part + 1 <= Math.max(ALWAYS, ratio * window.whole);
      if (isAllowed) {
        window.add(1, 0);
        taken++;
      } else refused++;
      return isAllowed;
    },
    replaceRatio(next) {
      ratio = next;
    },
    get taken() {
      return taken;
    },
    get refused() {
      return refused;
    },
  };
}

function dropOldest(windows: Map<string, RollingShare>): void {
  let oldest: string | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const [backend, { at }] of windows) {
    if (at >= oldestAt) continue;
    oldest = backend;
    oldestAt = at;
  }
  if (oldest !== undefined) windows.delete(oldest);
}
