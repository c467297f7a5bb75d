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
  /** The highest that was told of. */
  readonly threshold: number;
  /** Not told again before then, when telling failed. */
  readonly retryAtMs: number;
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
    const known = this.#told.get(name);
    const last = known?.windowStartMs === windowStartMs ? known : undefined;
    if (last !== undefined && this.#calendar.nowMs < last.retryAtMs) return;
    const target = last?.target ?? { per, subject, measure, window };
    let threshold = last?.threshold ?? 0;
    let retryAtMs = 0;
    for (const next of alertAt) {
      if (next <= threshold) continue;
      if (!this.#hasReached(next)) break;
      if (!this.#isTold({ target, windowStartMs, threshold: next })) {
        retryAtMs = this.#calendar.nowMs + RETRY_AFTER_MS;
        break;
      }
      threshold = next;
    }
    if (last?.threshold === threshold && retryAtMs === 0) return;
    this.#told.set(name, { target, windowStartMs, threshold, retryAtMs });
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
