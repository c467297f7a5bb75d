/** Lets a test wait for something to have happened instead of sleeping. */
export class Waiters {
  #waiting = new Set<() => void>();

  /** Something changed: looks at every condition again. */
  changed(): void {
    if (this.#waiting.size === 0) return;
    for (const check of [...this.#waiting]) check();
  }

  /**
   * Resolves when `isMet` first holds after a change, or now. Rejects after `timeoutMs` with what
   * `describe` says was there instead.
   */
  until(isMet: () => boolean, describe: () => string, timeoutMs: number): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!isMet()) return;
        this.#waiting.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited ${timeoutMs} ms in vain: ${describe()}`));
      }, timeoutMs);
      this.#waiting.add(check);
    });
  }
}
