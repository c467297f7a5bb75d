import type { Calendar } from './calendar.ts';
import { Sheet } from './sheet.ts';
import { SLOT_COUNT, WINDOW_COUNT } from './slot.ts';

/** Columns of a purse after its sums of what was spent. */
const STAMP = SLOT_COUNT;
const HELD = SLOT_COUNT + 1;
const PURSE_WIDTH = SLOT_COUNT + 2;

/** Column after the sums of what is held: how many holds they are made of. */
const HOLDS = SLOT_COUNT;
const HELD_WIDTH = SLOT_COUNT + 1;

/**
 * The purses of one scope: what each subject has spent in every current window, in nano-dollars
 * and in tokens, and what is held for its requests in flight. Only subjects that asked for
 * something have one. Sums stop at 2^53 (nine million dollars); no budget can be larger than that.
 */
export class PurseTable {
  readonly #calendar: Calendar;
  readonly #rows = new Map<string, number>();
  readonly #subjects: string[] = [];
  readonly #spent = new Sheet(PURSE_WIDTH);
  readonly #held = new Sheet(HELD_WIDTH);

  constructor(calendar: Calendar) {
    this.#calendar = calendar;
  }

  get size(): number {
    return this.#subjects.length;
  }

  /** In the order in which they first asked. */
  get subjects(): readonly string[] {
    return this.#subjects;
  }

  /** 0 for a subject without a purse. */
  find(subject: string): number {
    return this.#rows.get(subject) ?? 0;
  }

  /** The purse of a subject, brought up to date; a new one when it has none. */
  open(subject: string): number {
    let row = this.#rows.get(subject);
    if (row === undefined) {
      row = this.#spent.take();
      this.#rows.set(subject, row);
      this.#subjects.push(subject);
      this.#spent.page(row)[this.#spent.at(row) + STAMP] = this.#calendar.quarterMs;
    } else {
      this.roll(row);
    }
    return row;
  }

  /** Starts the windows anew that have ended since the last call. Goes before anything else. */
  roll(row: number): void {
    const page = this.#spent.page(row);
    const at = this.#spent.at(row);
    const stampMs = page[at + STAMP] ?? 0;
    if (stampMs === this.#calendar.quarterMs) return;
    page[at + STAMP] = this.#calendar.quarterMs;
    const heldRow = page[at + HELD] ?? 0;
    for (let window = 0; window < WINDOW_COUNT; window += 1) {
      if (stampMs >= (this.#calendar.starts[window] ?? 0)) continue;
      page[at + window] = 0;
      page[at + WINDOW_COUNT + window] = 0;
      // Requests that hold something in the ended window will settle there, not in this one.
      if (heldRow !== 0) this.#clearHeld(heldRow, window);
    }
  }

  spent(row: number, slot: number): number {
    if (row === 0) return 0;
    return this.#spent.page(row)[this.#spent.at(row) + slot] ?? 0;
  }

  held(row: number, slot: number): number {
    if (row === 0) return 0;
    const heldRow = this.#spent.page(row)[this.#spent.at(row) + HELD] ?? 0;
    return heldRow === 0 ? 0 : (this.#held.page(heldRow)[this.#held.at(heldRow) + slot] ?? 0);
  }

  /** How many holds are open. */
  holds(row: number): number {
    return this.held(row, HOLDS);
  }

  hold(row: number, nanoUsd: number, tokens: number): void {
    const heldRow = this.#openHeld(row);
    const page = this.#held.page(heldRow);
    const at = this.#held.at(heldRow);
    for (let window = 0; window < WINDOW_COUNT; window += 1) {
      page[at + window] = (page[at + window] ?? 0) + nanoUsd;
      page[at + WINDOW_COUNT + window] = (page[at + WINDOW_COUNT + window] ?? 0) + tokens;
    }
    page[at + HOLDS] = (page[at + HOLDS] ?? 0) + 1;
  }

  /** Ends a hold that was opened in the quarter `openedMs`, in those windows that still run. */
  release(row: number, nanoUsd: number, tokens: number, openedMs: number): void {
    const spentPage = this.#spent.page(row);
    const heldColumn = this.#spent.at(row) + HELD;
    const heldRow = spentPage[heldColumn] ?? 0;
    const page = this.#held.page(heldRow);
    const at = this.#held.at(heldRow);
    const holds = (page[at + HOLDS] ?? 0) - 1;
    if (holds === 0) {
      this.#held.give(heldRow);
      spentPage[heldColumn] = 0;
      return;
    }
    page[at + HOLDS] = holds;
    for (let window = 0; window < WINDOW_COUNT; window += 1) {
      if (openedMs < (this.#calendar.starts[window] ?? 0)) continue;
      page[at + window] = (page[at + window] ?? 0) - nanoUsd;
      page[at + WINDOW_COUNT + window] = (page[at + WINDOW_COUNT + window] ?? 0) - tokens;
    }
  }

  /** Adds what was spent in the quarter `spentMs`, in those windows that still run. */
  post(row: number, nanoUsd: number, tokens: number, spentMs: number): void {
    const page = this.#spent.page(row);
    const at = this.#spent.at(row);
    for (let window = 0; window < WINDOW_COUNT; window += 1) {
      if (spentMs < (this.#calendar.starts[window] ?? 0)) continue;
      addUpTo(page, at + window, nanoUsd);
      addUpTo(page, at + WINDOW_COUNT + window, tokens);
    }
  }

  /** Nothing was spent, in any window of any purse. What is held stays. */
  clearSpent(): void {
    for (let row = 1; row <= this.#subjects.length; row += 1) {
      this.roll(row);
      const at = this.#spent.at(row);
      this.#spent.page(row).fill(0, at, at + SLOT_COUNT);
    }
  }

  /** Adds to one sum alone. */
  load(row: number, slot: number, amount: number): void {
    addUpTo(this.#spent.page(row), this.#spent.at(row) + slot, amount);
  }

  #openHeld(row: number): number {
    const page = this.#spent.page(row);
    const column = this.#spent.at(row) + HELD;
    const known = page[column] ?? 0;
    if (known !== 0) return known;
    const taken = this.#held.take();
    page[column] = taken;
    return taken;
  }

  #clearHeld(heldRow: number, window: number): void {
    const page = this.#held.page(heldRow);
    const at = this.#held.at(heldRow);
    page[at + window] = 0;
    page[at + WINDOW_COUNT + window] = 0;
  }
}

function addUpTo(page: Float64Array, at: number, amount: number): void {
  page[at] = Math.min((page[at] ?? 0) + amount, Number.MAX_SAFE_INTEGER);
}
