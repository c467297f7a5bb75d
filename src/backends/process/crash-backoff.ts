const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** Well for so long, a process starts with a clean record after its next crash. */
const FORGIVEN_AFTER_MS = 5 * 60_000;

/** How long to wait before a process that fails is started again: 1 s, doubled up to a minute. */
export class CrashBackoff {
  #failures = 0;

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** `readyForMs`: how long it had been ready; null when it never was. Returns the wait. */
  failed(readyForMs: number | null): number {
    if (readyForMs !== null && readyForMs >= FORGIVEN_AFTER_MS) this.#failures = 0;
    this.#failures += 1;
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures - 1, 16));
  }

  /** An operator or a new configuration says that it is worth another try. */
  forgive(): void {
    this.#failures = 0;
  }
}
