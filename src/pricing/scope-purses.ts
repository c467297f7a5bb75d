import type { BudgetResolver, Resolved } from './budget-resolver.ts';
import type { BudgetScope } from './budget-rule.ts';
import type { Calendar } from './calendar.ts';
import { PurseTable } from './purse-table.ts';

/** The purses of one scope, each with the budgets that bound it. */
export class ScopePurses {
  readonly per: BudgetScope;
  readonly purses: PurseTable;
  readonly #resolver: BudgetResolver;
  #resolved: (Resolved | undefined)[] = [];
  /** What patterns are matched with; of keys alone it is not the subject. */
  readonly #names: (string | undefined)[] = [];

  constructor(per: BudgetScope, resolver: BudgetResolver, calendar: Calendar) {
    this.per = per;
    this.purses = new PurseTable(calendar);
    this.#resolver = resolver;
  }

  /** Worked out once for each purse, and again when a key has got another name. */
  budgetsOf(row: number, name: string): Resolved {
    const known = this.#resolved[row];
    if (known !== undefined && this.#names[row] === name) return known;
    const resolved = this.#resolver.resolve(this.per, this.subjectOf(row), name);
    this.#resolved[row] = resolved;
    this.#names[row] = name;
    return resolved;
  }

  /** The same for whoever does not know the name. */
  budgetsAt(row: number): Resolved {
    return this.#resolved[row] ?? this.budgetsOf(row, this.#names[row] ?? this.subjectOf(row));
  }

  subjectOf(row: number): string {
    return this.purses.subjects[row - 1] ?? '';
  }

  /** What was worked out is no longer true. */
  forgetBudgets(): void {
    this.#resolved = [];
  }
}
