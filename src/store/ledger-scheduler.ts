/** When the ledger writes. Passed in, so that a simulation decides what happens in which order. */
export interface LedgerScheduler {
  /** Runs `work` once this turn of the event loop is over. */
  soon(work: () => void): void;
  /** Runs `work` after a time, unless the function returned is called before. */
  later(work: () => void, delayMs: number): () => void;
}

export const systemScheduler: LedgerScheduler = {
  soon: (work) => void setImmediate(work),
  later(work, delayMs) {
    const timer = setTimeout(work, delayMs);
    // The process ends when its other work does; `close` writes what is left.
    timer.unref();
    return () => clearTimeout(timer);
  },
};
