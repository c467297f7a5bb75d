import type { Resolved } from './budget-resolver.ts';
import type { Calendar } from './calendar.ts';
import type { PurseTable } from './purse-table.ts';
import { WINDOW_COUNT } from './slot.ts';

/** The figures of one budget after another; one reader for all, so that a request makes none. */
export class PurseReader {
  /** With what was granted on top. */
  limit = 0;
  /** Without what resets took out of the count. */
  spent = 0;
  held = 0;
  readonly #calendar: Calendar;
  #table: PurseTable | undefined;
  #row = 0;
  #allowances: Resolved['allowances'] = null;

  constructor(calendar: Calendar) {
    this.#calendar = calendar;
  }

  /** Below nothing when more was spent than held, or when the limit was lowered. */
  get left(): number {
    return this.limit - this.spent - this.held;
  }

  /** The purse that is read from now on. Row 0 is one that nobody has asked for yet. */
  select(table: PurseTable, row: number, allowances: Resolved['allowances']): void {
    this.#table = table;
    this.#row = row;
    this.#allowances = allowances;
  }

  read(slot: number, limit: number): void {
    this.limit = limit;
    this.spent = this.#table?.spent(this.#row, slot) ?? 0;
    this.held = this.#table?.held(this.#row, slot) ?? 0;
    if (this.#allowances === null) return;
    const allowance = this.#allowances.get(slot);
    if (allowance === undefined) return;
    allowance.refresh(this.#calendar.starts[slot % WINDOW_COUNT] ?? 0, this.#calendar.nowMs);
    this.limit += allowance.extra;
    this.spent = Math.max(0, this.spent - allowance.forgiven);
  }
}
