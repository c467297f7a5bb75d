import type { Clock } from '../core/clock.ts';
import { WINDOWS, type Window } from '../core/key.ts';
import type { BudgetRule } from '../pricing/budget-rule.ts';
import { type BudgetBook, createBudgetBook, type Spend } from '../pricing/budgets.ts';
import type { Store } from './store.ts';

export interface BudgetParts {
  readonly store: Pick<Store, 'books' | 'budgets'>;
  readonly clock: Clock;
  readonly rules: readonly BudgetRule[];
  readonly timezone: string;
  /** A new alert is on record. */
  readonly onAlert?: () => void;
}

/**
 * The budgets of a gateway or a command: rules of the file and of commands, and counters derived
 * from the books. A threshold that is crossed is on record before anybody is told of it.
 */
export async function loadBudgets(parts: BudgetParts): Promise<BudgetBook> {
  const { store, clock, rules, timezone, onAlert = () => {} } = parts;
  const book = createBudgetBook({
    rules,
    clock,
    timezone,
    onThreshold({ target, windowStartMs, threshold, limit, spent }) {
      const atMs = clock.nowMs();
      const alert = { ...target, windowStartMs, threshold, limit, spent, atMs };
      if (store.budgets.addAlert(alert)) onAlert();
    },
  });
  book.load(await spendSince(store, book.starts()));
  refreshBudgets(book, store, clock);
  return book;
}

/** What commands have set and granted, as it is now. */
export function refreshBudgets(
  book: BudgetBook,
  store: Pick<Store, 'budgets'>,
  clock: Clock,
): void {
  book.replaceStored(store.budgets.budgets());
  book.replaceGrants(store.budgets.grants(clock.nowMs()));
}

/**
 * Counts what was spent anew from the books while requests go on; requests wait for their rows
 * meanwhile. Rejects with `store_unavailable` and keeps the counters when the books cannot be
 * written. One at a time.
 */
export async function recountBudgets(
  book: BudgetBook,
  store: Pick<Store, 'books' | 'ledger'>,
): Promise<void> {
  const resume = await store.ledger.pause();
  // No turn of the event loop in between: all that was spent before is in the books.
  const recount = book.recount();
  try {
    recount.finish(await spendSince(store, recount.starts));
  } catch (cause) {
    recount.abandon();
    throw cause;
  } finally {
    resume();
  }
}

async function spendSince(
  store: Pick<Store, 'books'>,
  starts: Readonly<Record<Window, number>>,
): Promise<Record<Window, Spend[]>> {
  const spends = await Promise.all(
    WINDOWS.map(async (window) => [window, await store.books.spend(starts[window])] as const),
  );
  return Object.fromEntries(spends) as Record<Window, Spend[]>;
}
