import type { BudgetRule } from './budget-rule.ts';
import type { Calendar } from './calendar.ts';
import { PurseReader } from './purse-reader.ts';
import type { ScopePurses } from './scope-purses.ts';
import { WINDOW_COUNT } from './slot.ts';

/** A budget that has no room for what is asked. */
export interface Blocking {
  readonly scope: ScopePurses;
  readonly row: number;
  readonly slot: number;
  readonly limit: number;
  readonly left: number;
  readonly held: number;
}

/**
 * What all budgets of one payer together leave. One for all requests, so that none makes its own:
 * what it says holds until the next one begins.
 */
export class Survey {
  /** What is left; `Infinity` where nothing limits. */
  nanoUsd = Number.POSITIVE_INFINITY;
  tokens = Number.POSITIVE_INFINITY;
  limited = false;
  /** Every budget without room would have the request made smaller. */
  mayShrink = true;
  /** The first budget without room. */
  blocking: Blocking | null = null;
  readonly #reader: PurseReader;
  #askedNanoUsd = 0;
  #askedTokens = 0;
  #scope: ScopePurses | null = null;
  #row = 0;

  constructor(calendar: Calendar) {
    this.#reader = new PurseReader(calendar);
  }

  begin(nanoUsd: number, tokens: number): void {
    this.nanoUsd = Number.POSITIVE_INFINITY;
    this.tokens = Number.POSITIVE_INFINITY;
    this.limited = false;
    this.mayShrink = true;
    this.blocking = null;
    this.#askedNanoUsd = nanoUsd;
    this.#askedTokens = tokens;
  }

  /** All rules that bound one purse. */
  meetPurse(scope: ScopePurses, row: number, name: string): void {
    const { budgets, allowances } = scope.budgetsOf(row, name);
    this.#scope = scope;
    this.#row = row;
    this.#reader.select(scope.purses, row, allowances);
    for (const { rule, slot } of budgets) this.meet(slot, rule.limit, rule.onExceed);
  }

  /** One more budget of the purse that was met last. */
  meet(slot: number, limit: number, onExceed: BudgetRule['onExceed']): void {
    const reader = this.#reader;
    reader.read(slot, limit);
    const { left } = reader;
    const isUsd = slot < WINDOW_COUNT;
    this.limited = true;
    if (isUsd) this.nanoUsd = Math.min(this.nanoUsd, left);
    else this.tokens = Math.min(this.tokens, left);
    if ((isUsd ? this.#askedNanoUsd : this.#askedTokens) <= left) return;
    if (onExceed === 'refuse') this.mayShrink = false;
    if (this.blocking !== null || this.#scope === null) return;
    const { held } = reader;
    this.blocking = { scope: this.#scope, row: this.#row, slot, limit: reader.limit, left, held };
  }
}
