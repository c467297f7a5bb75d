/** Second attempts that are always allowed, so that a quiet backend can be retried at all. */
const ALWAYS = 3;
const WINDOW_MS = 10_000;
const BUCKETS = 10;
const BUCKET_MS = WINDOW_MS / BUCKETS;
/** Backends beyond this many are those of configurations long gone. */
const BACKENDS_MAX = 4_096;

/**
 * Keeps retries from turning a failing backend into a storm: over the last ten seconds a backend
 * gets at most `ratio` of its requests a second time, or three when that is more. At a ratio of 0.2
 * it never sees more than 1.2 times the traffic.
 */
export interface RetryBudget {
  /** A request is sent to the backend for the first time. Times never go back. */
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
  const windows = new Map<string, Window>();
  let ratio = first;
  let taken = 0;
  let refused = 0;

  function open(backend: string, nowMs: number): Window {
    let window = windows.get(backend);
    if (window === undefined) {
      if (windows.size >= BACKENDS_MAX) dropOldest(windows);
      window = new Window();
      windows.set(backend, window);
    }
    window.moveTo(Math.floor(nowMs / BUCKET_MS));
    return window;
  }

  return {
    count(backend, nowMs) {
      open(backend, nowMs).add(0, 1);
    },
    take(backend, nowMs) {
      const window = open(backend, nowMs);
      const isAllowed = window.retries + 1 <= Math.max(ALWAYS, ratio * window.requests);
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

/** Two sums over the last buckets of a second. */
class Window {
  retries = 0;
  requests = 0;
  /** The number of the newest bucket. */
  #at = Number.NEGATIVE_INFINITY;
  readonly #buckets = Array.from({ length: BUCKETS }, () => ({ retries: 0, requests: 0 }));

  get at(): number {
    return this.#at;
  }

  moveTo(at: number): void {
    if (at <= this.#at) return;
    const from = Math.max(this.#at + 1, at - BUCKETS + 1);
    for (let number = from; number <= at; number++) {
      const bucket = this.#bucket(number);
      this.retries -= bucket.retries;
      this.requests -= bucket.requests;
      bucket.retries = 0;
      bucket.requests = 0;
    }
    this.#at = at;
  }

  add(retries: number, requests: number): void {
    const bucket = this.#bucket(this.#at);
    bucket.retries += retries;
    bucket.requests += requests;
    this.retries += retries;
    this.requests += requests;
  }

  #bucket(number: number): { retries: number; requests: number } {
    const bucket = this.#buckets[((number % BUCKETS) + BUCKETS) % BUCKETS];
    if (bucket === undefined) throw new Error('a bucket for every remainder');
    return bucket;
  }
}

function dropOldest(windows: Map<string, Window>): void {
  let oldest: string | undefined;
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const [backend, { at }] of windows) {
    if (at >= oldestAt) continue;
    oldest = backend;
    oldestAt = at;
  }
  if (oldest !== undefined) windows.delete(oldest);
}
