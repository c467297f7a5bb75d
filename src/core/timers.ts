/** Where waiting comes from. Passed in, so that tests move time by hand. */
export interface Timers {
  /** Runs once; what is returned calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
