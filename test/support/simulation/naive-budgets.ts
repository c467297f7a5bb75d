import { type Key, WINDOWS, type Window } from '../../../src/core/key.ts';
import {
  BUDGET_SCOPES,
  type BudgetRule,
  type BudgetScope,
} from '../../../src/pricing/budget-rule.ts';
import type { BudgetGrant, StoredBudget } from '../../../src/pricing/budget-target.ts';
import { NaiveWindows } from './naive-windows.ts';

export type Subjects = Readonly<Record<BudgetScope, string | null>>;

/** One request as budgets see it. */
export interface NaiveEntry {
  readonly subjects: Subjects;
  readonly heldUsd: number;
  readonly heldTokens: number;
  /** The window of each kind in which it counts; NaN where it counts in none. */
  readonly keys: readonly number[];
  /** What was left for it when it came, by measure. */
  readonly roomUsd: number;
  readonly roomTokens: number;
  isOpen: boolean;
  spentUsd: number;
  spentTokens: number;
}

export interface NaiveRow {
  readonly subjects: Subjects;
  readonly startedAtMs: number;
  readonly usd: number;
  readonly tokens: number;
}

interface Budget {
  readonly per: BudgetScope;
  readonly measure: 'usd' | 'tokens';
  readonly window: Window;
  readonly limit: number;
}

export interface NaiveStanding extends Budget {
  readonly subject: string;
  readonly spent: number;
  readonly held: number;
}

/**
 * Budgets, as a list of requests that is added up again for every question. Slow and obvious, to
 * hold the real book against.
 */
export class NaiveBudgets {
  rules: readonly BudgetRule[] = [];
  stored: readonly StoredBudget[] = [];
  grants: readonly BudgetGrant[] = [];
  readonly entries: NaiveEntry[] = [];
  readonly #windows: NaiveWindows;
  /** Never goes back while the process lives. */
  #nowMs: number;

  constructor(zone: string, nowMs: number, rows: readonly NaiveRow[]) {
    this.#windows = new NaiveWindows(zone);
    this.#nowMs = nowMs;
    const now = this.#windows.keys(nowMs);
    for (const { subjects, startedAtMs, usd, tokens } of rows) {
      const at = this.#windows.keys(startedAtMs);
      this.entries.push({
        subjects,
        heldUsd: 0,
        heldTokens: 0,
        // What is dated in the future counts from now on.
        keys: now.map((key, index) => ((at[index] ?? 0) >= key ? key : Number.NaN)),
        roomUsd: 0,
        roomTokens: 0,
        isOpen: false,
        spentUsd: usd,
        spentTokens: tokens,
      });
    }
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  isWindowStart(window: Window, startMs: number): boolean {
    if (window === 'total') return startMs === 0;
    const index = WINDOWS.indexOf(window);
    const key = this.#windows.keys(this.#nowMs)[index];
    return (
      this.#windows.keys(startMs)[index] === key && this.#windows.keys(startMs - 1)[index] !== key
    );
  }

  /** What is left for a payer. */
  room(key: Key, subjects: Subjects): { usd: number; tokens: number } {
    let usd = Number.POSITIVE_INFINITY;
    let tokens = Number.POSITIVE_INFINITY;
    for (const per of BUDGET_SCOPES) {
      const subject = subjects[per];
      if (subject === null) continue;
      for (const standing of this.standings(per, subject, per === 'key' ? key : null)) {
        const left = standing.limit - standing.spent - standing.held;
        if (standing.measure === 'usd') usd = Math.min(usd, left);
        else tokens = Math.min(tokens, left);
      }
    }
    return { usd, tokens };
  }

  hold(
    key: Key,
    subjects: Subjects,
    { heldUsd, heldTokens }: { heldUsd: number; heldTokens: number },
  ): NaiveEntry {
    const room = this.room(key, subjects);
    const entry: NaiveEntry = {
      subjects,
      heldUsd,
      heldTokens,
      keys: this.#windows.keys(this.#nowMs),
      roomUsd: room.usd,
      roomTokens: room.tokens,
      isOpen: true,
      spentUsd: 0,
      spentTokens: 0,
    };
    this.entries.push(entry);
    return entry;
  }

  standings(per: BudgetScope, subject: string, key: Key | null): NaiveStanding[] {
    return this.#budgetsOf(per, subject, key).map((budget) => {
      const { measure, window } = budget;
      const index = WINDOWS.indexOf(window);
      const now = this.#windows.keys(this.#nowMs)[index];
      let spent = 0;
      let held = 0;
      for (const entry of this.entries) {
        if (entry.subjects[per] !== subject || entry.keys[index] !== now) continue;
        const isUsd = measure === 'usd';
        if (entry.isOpen) held += isUsd ? entry.heldUsd : entry.heldTokens;
        else spent += isUsd ? entry.spentUsd : entry.spentTokens;
      }
      let { limit } = budget;
      let forgiven = 0;
      for (const grant of this.grants) {
        const isMine =
          grant.per === per &&
          grant.subject === subject &&
          grant.measure === measure &&
          grant.window === window;
        if (!isMine) continue;
        if (grant.kind === 'raise') {
          if (grant.untilMs !== null && this.#nowMs < grant.untilMs) limit += grant.amount;
          continue;
        }
        const { windowStartMs } = grant;
        const isNow =
          windowStartMs !== null &&
          (window === 'total' || this.#windows.keys(windowStartMs)[index] === now);
        if (!isNow) continue;
        if (grant.kind === 'reset') forgiven += grant.amount;
        else limit += grant.amount;
      }
      return { ...budget, subject, limit, spent: Math.max(0, spent - forgiven), held };
    });
  }

  #budgetsOf(per: BudgetScope, subject: string, key: Key | null): Budget[] {
    let budgets: Budget[] = this.rules.filter(
      (rule) =>
        rule.per === per &&
        (rule.name === null || rule.name === subject || (key !== null && rule.name === key.name)),
    );
    for (const stored of this.stored) {
      if (stored.per !== per || stored.subject !== subject) continue;
      budgets = budgets.filter(
        ({ measure, window }) => measure !== stored.measure || window !== stored.window,
      );
      budgets.push(stored);
    }
    const { budget = null, tokenBudget = null } = key?.limits ?? {};
    if (budget !== null) {
      budgets.push({ per, measure: 'usd', window: budget.window, limit: budget.nanoUsd });
    }
    if (tokenBudget !== null) {
      budgets.push({
        per,
        measure: 'tokens',
        window: tokenBudget.window,
        limit: tokenBudget.tokens,
      });
    }
    return budgets;
  }
}
