import { assert } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { GateError } from '../core/error.ts';
import type { Key, Window } from '../core/key.ts';
import { type NanoUsd, nanoUsd } from '../core/money.ts';
import type { BudgetRule } from './budget-rule.ts';
import { Calendar } from './calendar.ts';
import { Purse } from './purse.ts';
import { quotaRefusal } from './quota-refusal.ts';
import { windowEndMs } from './window.ts';

/** Money set aside for one request in every budget at once. The first of settle and cancel counts. */
export interface Hold {
  /** Gives back the hold and books what was due, also when that is more than was held. */
  settle(actual: NanoUsd): void;
  /** Gives back the hold; nothing was due. */
  cancel(): void;
}

/** Money spent by one key in one calendar hour. */
export interface KeySpend {
  readonly keyId: string;
  readonly hourStartMs: number;
  readonly costNanoUsd: bigint;
}

/** One budget that applies to a key, as it stands now. */
export interface BudgetStanding {
  /** Who shares it: everybody, or nobody but the key. */
  readonly per: 'key' | 'all';
  readonly window: Window;
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  /** Held for requests in flight. */
  readonly heldNanoUsd: NanoUsd;
  /** null for `total`, which never resets. */
  readonly resetsAtMs: number | null;
}

export interface BudgetStats {
  readonly keys: number;
  /** Requests whose hold is open. */
  readonly holds: number;
  readonly heldNanoUsd: number;
  readonly refused: number;
  /** Requests that cost more than was held for them. */
  readonly overruns: number;
  readonly overrunNanoUsd: number;
}

/**
 * Who has spent how much, and whether there is enough left. Spending is followed for every key and
 * for all together in every kind of window, whether or not a budget looks at it, so that a budget
 * that is added later knows what happened before it.
 */
export interface BudgetBook {
  /** Counts what the ledger has on record. Once, before the first reservation. */
  load(spend: Iterable<KeySpend>): void;
  /**
   * Holds `amount`, the most the request can cost, in every budget that applies, or in none.
   * Throws `insufficient_quota`, naming the budget. What is held and spent counts in the windows
   * of the moment of this call, whenever the request ends.
   */
  reserve(key: Key, amount: NanoUsd): Hold;
  standing(key: Key): BudgetStanding[];
  /** Spent in each current window, by one key or (`null`) by all. */
  spent(keyId: string | null): Readonly<Record<Window, NanoUsd>>;
  /** Every key that spent anything since the hour began. */
  spentThisHour(): KeySpend[];
  /**
   * What every key has spent in all. Equal to the sum of its rows whenever no request is between
   * its settlement and its row; the one figure that the turn of an hour cannot blur.
   */
  spentInTotal(): { readonly keyId: string; readonly costNanoUsd: bigint }[];
  replaceRules(rules: readonly BudgetRule[]): void;
  stats(): BudgetStats;
}

export interface BudgetBookOptions {
  readonly rules: readonly BudgetRule[];
  readonly clock: Clock;
}

export function createBudgetBook(options: BudgetBookOptions): BudgetBook {
  return new Book(options);
}

class Book implements BudgetBook {
  readonly #clock: Clock;
  readonly #calendar: Calendar;
  readonly #everybody: Purse;
  readonly #purses = new Map<string, Purse>();
  #rules: readonly BudgetRule[];
  #refused = 0;
  #overruns = 0;
  #overrunNanoUsd = 0;

  constructor({ rules, clock }: BudgetBookOptions) {
    this.#rules = rules;
    this.#clock = clock;
    this.#calendar = new Calendar(clock.nowMs());
    this.#everybody = new Purse(this.#calendar);
  }

  load(spend: Iterable<KeySpend>): void {
    assert(this.#everybody.holds === 0, 'spending is loaded before anything is reserved');
    this.#calendar.advance(this.#clock.nowMs());
    for (const { keyId, hourStartMs, costNanoUsd } of spend) {
      const amount = Math.min(Number(costNanoUsd), Number.MAX_SAFE_INTEGER);
      this.#purse(keyId).post(amount, hourStartMs, this.#calendar);
      this.#current(this.#everybody).post(amount, hourStartMs, this.#calendar);
    }
  }

  reserve(key: Key, amount: NanoUsd): Hold {
    this.#calendar.advance(this.#clock.nowMs());
    const own = this.#purse(key.id);
    const everybody = this.#current(this.#everybody);
    for (const rule of this.#rules) {
      const purse = rule.per === 'all' ? everybody : own;
      if (!fits(purse, rule, amount)) throw this.#refuse(purse, rule, amount);
    }
    const ownBudget = budgetOf(key);
    if (ownBudget !== null && !fits(own, ownBudget, amount)) {
      throw this.#refuse(own, ownBudget, amount);
    }
    if (!Number.isSafeInteger(everybody.held('total') + amount)) {
      throw new GateError('insufficient_quota', 'More would be held at once than can be counted.');
    }
    own.hold(amount);
    everybody.hold(amount);
    return new OpenHold(this, own, amount, this.#calendar.hour);
  }

  /** Ends a hold; `actual` is null when nothing was due. Called once for each by the hold itself. */
  close(own: Purse, amount: NanoUsd, openedMs: number, actual: NanoUsd | null): void {
    this.#calendar.advance(this.#clock.nowMs());
    for (const purse of [own, this.#everybody]) {
      this.#current(purse).release(amount, openedMs, this.#calendar);
      if (actual !== null) purse.post(actual, openedMs, this.#calendar);
    }
    if (actual !== null && actual > amount) {
      this.#overruns += 1;
      this.#overrunNanoUsd += actual - amount;
    }
  }

  standing(key: Key): BudgetStanding[] {
    this.#calendar.advance(this.#clock.nowMs());
    const own = this.#current(this.#purses.get(key.id) ?? new Purse(this.#calendar));
    const everybody = this.#current(this.#everybody);
    const ownBudget = budgetOf(key);
    const budgets: readonly BudgetRule[] =
      ownBudget === null ? this.#rules : [...this.#rules, ownBudget];
    return budgets.map(({ per, window, limitNanoUsd }) => {
      const purse = per === 'all' ? everybody : own;
      const endMs = windowEndMs(window, this.#calendar.hour);
      return {
        per,
        window,
        limitNanoUsd,
        spentNanoUsd: nanoUsd(purse.spent[window]),
        heldNanoUsd: nanoUsd(purse.held(window)),
        resetsAtMs: Number.isFinite(endMs) ? endMs : null,
      };
    });
  }

  spent(keyId: string | null): Readonly<Record<Window, NanoUsd>> {
    this.#calendar.advance(this.#clock.nowMs());
    const known = keyId === null ? this.#everybody : this.#purses.get(keyId);
    const { spent } = this.#current(known ?? new Purse(this.#calendar));
    return {
      hour: nanoUsd(spent.hour),
      day: nanoUsd(spent.day),
      week: nanoUsd(spent.week),
      month: nanoUsd(spent.month),
      total: nanoUsd(spent.total),
    };
  }

  spentThisHour(): KeySpend[] {
    this.#calendar.advance(this.#clock.nowMs());
    const hourStartMs = this.#calendar.hour;
    return this.#spentIn('hour').map((spend) => ({ ...spend, hourStartMs }));
  }

  spentInTotal(): { keyId: string; costNanoUsd: bigint }[] {
    return this.#spentIn('total');
  }

  replaceRules(rules: readonly BudgetRule[]): void {
    this.#rules = rules;
  }

  stats(): BudgetStats {
    return {
      keys: this.#purses.size,
      holds: this.#everybody.holds,
      heldNanoUsd: this.#everybody.held('total'),
      refused: this.#refused,
      overruns: this.#overruns,
      overrunNanoUsd: this.#overrunNanoUsd,
    };
  }

  #spentIn(window: Window): { keyId: string; costNanoUsd: bigint }[] {
    const spends: { keyId: string; costNanoUsd: bigint }[] = [];
    for (const [keyId, purse] of this.#purses) {
      const amount = this.#current(purse).spent[window];
      if (amount > 0) spends.push({ keyId, costNanoUsd: BigInt(amount) });
    }
    return spends;
  }

  #purse(keyId: string): Purse {
    const known = this.#purses.get(keyId);
    if (known !== undefined) return this.#current(known);
    const purse = new Purse(this.#calendar);
    this.#purses.set(keyId, purse);
    return purse;
  }

  #current(purse: Purse): Purse {
    purse.roll(this.#calendar);
    return purse;
  }

  #refuse(purse: Purse, budget: BudgetRule, amount: NanoUsd): GateError {
    this.#refused += 1;
    return quotaRefusal(purse, budget, amount, this.#calendar.hour);
  }
}

class OpenHold implements Hold {
  readonly #book: Book;
  readonly #purse: Purse;
  readonly #amount: NanoUsd;
  readonly #openedMs: number;
  #open = true;

  constructor(book: Book, purse: Purse, amount: NanoUsd, openedMs: number) {
    this.#book = book;
    this.#purse = purse;
    this.#amount = amount;
    this.#openedMs = openedMs;
  }

  settle(actual: NanoUsd): void {
    this.#close(actual);
  }

  cancel(): void {
    this.#close(null);
  }

  #close(actual: NanoUsd | null): void {
    if (!this.#open) return;
    this.#open = false;
    this.#book.close(this.#purse, this.#amount, this.#openedMs, actual);
  }
}

function fits(purse: Purse, { window, limitNanoUsd }: BudgetRule, amount: NanoUsd): boolean {
  return purse.committed(window) + amount <= limitNanoUsd;
}

/** The budget that a key carries itself. */
function budgetOf({ limits }: Key): BudgetRule | null {
  if (limits.budget === null) return null;
  const { nanoUsd: limit, window } = limits.budget;
  return { per: 'key', window, limitNanoUsd: nanoUsd(limit) };
}
