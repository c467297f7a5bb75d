import type { Amount, Hold } from './budgets.ts';

/** Who gave a hold, and takes it back. */
interface Giver {
  /** The current quarter of an hour. */
  readonly quarterMs: number;
  /** Called once; `actual` is null when nothing was due. */
  close(hold: OpenHold, actual: Amount | null): void;
}

/** What was set aside for one request, and in which purses. */
export class OpenHold implements Hold {
  /** One for each scope, 0 for none. */
  readonly rows: readonly number[];
  readonly nanoUsd: number;
  readonly tokens: number;
  /** The quarter of an hour in whose windows it counts. */
  readonly openedMs: number;
  readonly #giver: Giver;
  #open = true;

  constructor(giver: Giver, rows: readonly number[], nanoUsd: number, tokens: number) {
    this.#giver = giver;
    this.rows = rows;
    this.nanoUsd = nanoUsd;
    this.tokens = tokens;
    this.openedMs = giver.quarterMs;
  }

  settle(actual: Amount): void {
    this.#close(actual);
  }

  cancel(): void {
    this.#close(null);
  }

  #close(actual: Amount | null): void {
    if (!this.#open) return;
    this.#open = false;
    this.#giver.close(this, actual);
  }
}
