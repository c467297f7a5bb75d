/** Where waiting comes from. Passed in, so that tests move time by hand. */
export interface Timers {
  /** Runs once; what is returned calls it off. */
  after(delayMs: number, run: () => void): () => void;
}
