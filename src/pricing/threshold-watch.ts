import { WINDOWS } from '../core/key.ts';
import type { ActiveBudget } from './budget-resolver.ts';
import type { BudgetTarget } from './budget-target.ts';
import type { Calendar } from './calendar.ts';
import { PurseReader } from './purse-reader.ts';
import type { ScopePurses } from './scope-purses.ts';

/** A percentage of a budget that was reached. */
export interface Crossing {
  readonly target: BudgetTarget;
  readonly windowStartMs: number;
  /** Percent of the limit. */
  readonly threshold: number;
  /** With what was granted on top. */
  readonly limit: number;
  readonly spent: number;
}

interface Told {
  readonly target: BudgetTarget;
  readonly windowStartMs: number;
  /** Not only the highest: two rules for one purse may have different limits. */
  readonly thresholds: Set<number>;
  /** Not told again before then, when telling failed. */
  retryAtMs: number;
}

/** A listener that fails is asked again after this long, not at every request. */
const RETRY_AFTER_MS = 60_000;

/**
 * Tells of each threshold once in a window, as far as this process remembers: after a restart it
 * tells again, and whoever listens keeps the record.
 */
export class ThresholdWatch {
  readonly #calendar: Calendar;
  readonly #reader: PurseReader;
  readonly #tell: (crossing: Crossing) => void;
  /** Purses that reached a threshold in a window that runs. */
  readonly #told = new Map<string, Told>();
  #failed = 0;

  constructor(calendar: Calendar, tell: (crossing: Crossing) => void) {
    this.#calendar = calendar;
    this.#reader = new PurseReader(calendar);
    this.#tell = tell;
  }

  /** Times that the listener threw. */
  get failed(): number {
    return this.#failed;
  }

  /** Looks at a purse in which something was booked. */
  look(scope: ScopePurses, row: number): void {
    const { alerting, allowances } = scope.budgetsAt(row);
    if (alerting.length === 0) return;
    this.#reader.select(scope.purses, row, allowances);
    for (const budget of alerting) {
      this.#reader.read(budget.slot, budget.rule.limit);
      const lowest = budget.rule.alertAt[0];
      if (lowest === undefined || !this.#hasReached(lowest)) continue;
      this.#tellNew(budget, scope.subjectOf(row));
    }
  }

  /** Forgets the windows that have ended. */
  forgetEnded(): void {
    for (const [name, { target, windowStartMs }] of this.#told) {
      if (windowStartMs < this.#calendar.startMs(target.window)) this.#told.delete(name);
    }
  }

  #tellNew({ rule }: ActiveBudget, subject: string): void {
    const { per, measure, window, alertAt } = rule;
    const name = `${per}/${measure}/${WINDOWS.indexOf(window)}/${subject}`;
    const windowStartMs = this.#calendar.startMs(window);
    let told = this.#told.get(name);
    if (told?.windowStartMs !== windowStartMs) {
      const target = { per, subject, measure, window };
      told = { target, windowStartMs, thresholds: new Set(), retryAtMs: 0 };
      this.#told.set(name, told);
    }
    if (this.#calendar.nowMs < told.retryAtMs) return;
    for (const threshold of alertAt) {
      if (!this.#hasReached(threshold)) break;
      if (told.thresholds.has(threshold)) continue;
      if (!this.#isTold({ target: told.target, windowStartMs, threshold })) {
        told.retryAtMs = this.#calendar.nowMs + RETRY_AFTER_MS;
        break;
      }
      told.thresholds.add(threshold);
    }
  }

  #hasReached(threshold: number): boolean {
    const { spent, limit } = this.#reader;
    return spent > 0 && spent >= (limit * threshold) / 100;
  }

  #isTold(crossing: Omit<Crossing, 'limit' | 'spent'>): boolean {
    try {
      this.#tell({ ...crossing, limit: this.#reader.limit, spent: this.#reader.spent });
      return true;
    } catch {
      // Whoever listens has reported why; a settlement must not fail for it.
      this.#failed += 1;
      return false;
    }
  }
}
