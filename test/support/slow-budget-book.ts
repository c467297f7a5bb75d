import { WINDOWS, type Window } from '../../src/core/key.ts';
import { matchesPattern } from '../../src/core/pattern.ts';
import { BUDGET_SCOPES, type BudgetRule, type BudgetScope } from '../../src/pricing/budget-rule.ts';
import type { BudgetGrant, StoredBudget } from '../../src/pricing/budget-target.ts';
import type { Amount, Payer, Spend } from '../../src/pricing/budgets.ts';
import { windowStartMs } from '../../src/pricing/window.ts';
import type { Zone } from '../../src/pricing/zone.ts';

/** Everything that was ever held or spent, as it was written down. */
export interface Entry {
  readonly payer: Payer;
  readonly openedMs: number;
  readonly held: Amount;
  /** What was due; null while it is open and after it was cancelled. */
  spent: Amount | null;
  open: boolean;
}

interface SlowBudget {
  readonly rule: BudgetRule;
  readonly source: 'file' | 'command' | 'key';
}

interface SlowFigures {
  readonly limit: number;
  readonly spent: number;
  readonly held: number;
  /** Of what was spent, what had not been held for. */
  readonly overrun: number;
}

/**
 * The book of budgets as its documentation tells it: a list of entries, summed anew for every
 * question, and rules looked up anew for every request. What the fast one must agree with.
 */
export class SlowBudgetBook {
  readonly entries: Entry[] = [];
  rules: BudgetRule[] = [];
  stored: StoredBudget[] = [];
  grants: BudgetGrant[] = [];
  /** The latest time that was seen. */
  nowMs = 0;
  readonly #zone: Zone;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  look(nowMs: number): void {
    this.nowMs = Math.max(this.nowMs, nowMs);
  }

  startMs(window: Window): number {
    return windowStartMs(window, this.nowMs, this.#zone);
  }

  fits(payer: Payer, amount: Amount): boolean {
    return this.budgetsOf(payer).every(([per, { rule }]) => {
      const { limit, spent, held } = this.figures(per, subjectOf(payer, per) ?? '', rule);
      return spent + held + of(amount, rule) <= limit;
    });
  }

  budgetsOf(payer: Payer): [BudgetScope, SlowBudget][] {
    return BUDGET_SCOPES.flatMap((per) => {
      const subject = subjectOf(payer, per);
      if (subject === null) return [];
      const name = per === 'key' ? payer.key.name : subject;
      const own = per === 'key' ? ownBudgets(payer) : [];
      return [...this.#rulesFor(per, subject, name), ...own].map(
        (budget): [BudgetScope, SlowBudget] => [per, budget],
      );
    });
  }

  figures(per: BudgetScope, subject: string, rule: BudgetRule): SlowFigures {
    const startMs = this.startMs(rule.window);
    const counted = this.entries.filter(
      (entry) => entry.openedMs >= startMs && subjectOf(entry.payer, per) === subject,
    );
    const granted = (kind: BudgetGrant['kind'], counts: (grant: BudgetGrant) => boolean) =>
      sum(
        this.grants
          .filter((grant) => grant.kind === kind && grant.per === per && grant.subject === subject)
          .filter((grant) => grant.measure === rule.measure && grant.window === rule.window)
          .filter(counts)
          .map(({ amount }) => amount),
      );
    const thisWindow = (grant: BudgetGrant) => grant.windowStartMs === startMs;
    const spent = sum(counted.map((entry) => of(entry.spent, rule)));
    return {
      limit:
        rule.limit +
        granted('top_up', thisWindow) +
        granted('raise', ({ untilMs }) => this.nowMs < (untilMs ?? 0)),
      spent: Math.max(0, spent - granted('reset', thisWindow)),
      held: sum(counted.filter(({ open }) => open).map((entry) => of(entry.held, rule))),
      overrun: sum(
        counted.map((entry) => Math.max(0, of(entry.spent, rule) - of(entry.held, rule))),
      ),
    };
  }

  /** What the ledger would say of the windows that run. */
  spends(): Record<Window, Spend[]> {
    const since = (window: Window) =>
      this.entries
        .filter(({ openedMs }) => openedMs >= this.startMs(window))
        .flatMap(({ payer: { key, model }, spent }): Spend[] => {
          if (spent === null) return [];
          const { user, team, tenant, id: keyId } = key;
          const costNanoUsd = BigInt(spent.nanoUsd);
          return [{ keyId, user, team, tenant, model, costNanoUsd, tokens: BigInt(spent.tokens) }];
        });
    const [hour, day, week, month, total] = WINDOWS.map(since);
    return {
      hour: hour ?? [],
      day: day ?? [],
      week: week ?? [],
      month: month ?? [],
      total: total ?? [],
    };
  }

  #rulesFor(per: BudgetScope, subject: string, name: string): SlowBudget[] {
    const ofScope = this.stored.filter((budget) => budget.per === per);
    const exact = ofScope.filter((budget) => !budget.subject.includes('*'));
    const mine = exact.filter((budget) => budget.subject === subject);
    const patterns = ofScope.filter((budget) => budget.subject.includes('*'));
    const isFor = (rule: BudgetRule) => rule.name === null || matchesPattern(rule.name, name);
    const written = this.rules.filter((rule) => rule.per === per);
    const sameKind = (a: BudgetRule | StoredBudget, b: BudgetRule | StoredBudget) =>
      a.measure === b.measure && a.window === b.window;

    const fromFile = written
      .filter(
        (rule) =>
          !patterns.some(
            (stored) => sameKind(stored, rule) && stored.subject === (rule.name ?? '*'),
          ),
      )
      .map((rule): SlowBudget => ({ rule, source: 'file' }));
    const fromPatterns = patterns.map((stored) => {
      const replaced = written.find(
        (rule) => sameKind(rule, stored) && (rule.name ?? '*') === stored.subject,
      );
      return toSlow(stored, replaced);
    });
    const matching = [...fromFile, ...fromPatterns].filter(({ rule }) => isFor(rule));
    return [
      ...matching.filter(({ rule }) => !mine.some((stored) => sameKind(stored, rule))),
      ...mine.map((stored) =>
        toSlow(stored, matching.find(({ rule }) => sameKind(rule, stored))?.rule),
      ),
    ];
  }
}

export function subjectOf({ key, model }: Payer, per: BudgetScope): string | null {
  if (per === 'all') return '';
  if (per === 'key') return key.id;
  return per === 'model' ? model : key[per];
}

function toSlow(stored: StoredBudget, replaced: BudgetRule | undefined): SlowBudget {
  const { per, subject, measure, window, limit } = stored;
  const alertAt = replaced?.alertAt ?? [];
  const onExceed = replaced?.onExceed ?? 'refuse';
  return {
    rule: { per, name: subject, measure, window, limit, alertAt, onExceed },
    source: 'command',
  };
}

function ownBudgets({ key: { limits } }: Payer): SlowBudget[] {
  const shape = { per: 'key', name: null, alertAt: [], onExceed: 'refuse' } as const;
  const { budget, tokenBudget } = limits;
  const rules: BudgetRule[] = [];
  if (budget !== null) {
    rules.push({ ...shape, measure: 'usd', limit: budget.nanoUsd, window: budget.window });
  }
  if (tokenBudget !== null) {
    rules.push({
      ...shape,
      measure: 'tokens',
      limit: tokenBudget.tokens,
      window: tokenBudget.window,
    });
  }
  return rules.map((rule) => ({ rule, source: 'key' }));
}

function of(amount: Amount | null, { measure }: BudgetRule): number {
  if (amount === null) return 0;
  return measure === 'usd' ? amount.nanoUsd : amount.tokens;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
