import type { Timers } from '../core/timers.ts';

/** A wait that somebody can end. A ring that nobody waited for ends the next wait at once. */
export class Bell {
  readonly #timers: Timers;
  #isRung = false;
  #wake: (() => void) | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Until the next ring, or so long. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const cancel =
          timeoutMs === Number.POSITIVE_INFINITY
            ? () => {}
            : this.#timers.after(Math.max(0, timeoutMs), resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#isRung = false;
  }
}
