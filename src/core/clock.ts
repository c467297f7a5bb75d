/** Where time comes from. Passed in, so that tests and simulations own it. */
export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. May jump. */
  nowMs(): number;
  /** Monotonic milliseconds with a fraction; only differences mean anything. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Fills a fresh array with unpredictable bytes. Passed in wherever ids or secrets are made. */
export type RandomBytes = (count: number) => Uint8Array;

export const systemRandom: RandomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
