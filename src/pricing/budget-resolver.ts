import { matchesPattern } from '../core/pattern.ts';
import { Allowance } from './allowance.ts';
import { BUDGET_SCOPES, type BudgetRule, type BudgetScope } from './budget-rule.ts';
import type { BudgetGrant, BudgetTarget, StoredBudget } from './budget-target.ts';
import { slotOf } from './slot.ts';

/** One budget as it applies to one subject. */
export interface ActiveBudget {
  readonly rule: BudgetRule;
  /** Who made it: the configuration, a command, or whoever made the key. */
  readonly source: 'file' | 'command' | 'key';
  readonly slot: number;
}

/** Everything that bounds one purse, but for the budgets that a key carries itself. */
export interface Resolved {
  readonly budgets: readonly ActiveBudget[];
  /** Those of `budgets` that send alerts. */
  readonly alerting: readonly ActiveBudget[];
  /** By slot; null when the subject was granted nothing. */
  readonly allowances: ReadonlyMap<number, Allowance> | null;
}

/** Subjects that the same rules apply to share one list; past this many lists they are made anew. */
const MAX_SHARED = 1_024;

/**
 * Which budgets apply to a subject. Every rule of the file and every stored pattern that matches
 * it does, except where a command made a budget for that very subject: that one alone counts for
 * its measure and window.
 */
export class BudgetResolver {
  #rules: readonly BudgetRule[] = [];
  #stored: readonly StoredBudget[] = [];
  #patterns = new Map<BudgetScope, ActiveBudget[]>();
  #exact = new Map<string, StoredBudget[]>();
  #grants = new Map<string, BudgetGrant[]>();
  readonly #shared = new Map<string, Resolved>();

  replaceRules(rules: readonly BudgetRule[]): void {
    this.#rules = rules;
    this.#arrange();
  }

  replaceStored(stored: readonly StoredBudget[]): void {
    this.#stored = stored;
    this.#arrange();
  }

  replaceGrants(grants: readonly BudgetGrant[]): void {
    this.#grants = Map.groupBy(grants, placeOf);
  }

  /** The budgets of a scope that are made for patterns, whoever matches them. */
  patterns(per: BudgetScope): readonly ActiveBudget[] {
    return this.#patterns.get(per) ?? [];
  }

  /** Subjects of a scope that a command made a budget for or granted something. */
  named(per: BudgetScope): ReadonlySet<string> {
    const places = [...this.#exact.values(), ...this.#grants.values()];
    const targets: readonly (BudgetTarget | undefined)[] = places.map(([first]) => first);
    return new Set(targets.flatMap((first) => (first?.per === per ? [first.subject] : [])));
  }

  /** `name` is what patterns are matched with: of a key its name, else the subject itself. */
  resolve(per: BudgetScope, subject: string, name: string): Resolved {
    const matching = this.patterns(per).filter(({ rule }) => isMatch(rule, subject, name));
    const place = `${per}/${subject}`;
    const exact = this.#exact.get(place);
    const grants = this.#grants.get(place);
    if (exact === undefined && grants === undefined) return this.#share(per, matching);
    return toResolved(exact === undefined ? matching : override(matching, exact), grants);
  }

  #arrange(): void {
    this.#shared.clear();
    this.#exact = Map.groupBy(
      this.#stored.filter((budget) => !isPattern(budget)),
      placeOf,
    );
    for (const per of BUDGET_SCOPES) {
      const written = this.#rules.filter((rule) => rule.per === per).map(fromFile);
      const made = this.#stored.filter((budget) => budget.per === per && isPattern(budget));
      this.#patterns.set(per, replaceSamePattern(written, made));
    }
  }

  #share(per: BudgetScope, budgets: readonly ActiveBudget[]): Resolved {
    const all = this.patterns(per);
    const name = `${per}:${budgets.map((budget) => all.indexOf(budget)).join()}`;
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    if (this.#shared.size >= MAX_SHARED) this.#shared.clear();
    const resolved = toResolved(budgets, undefined);
    this.#shared.set(name, resolved);
    return resolved;
  }
}

function isMatch({ name: pattern }: BudgetRule, subject: string, name: string): boolean {
  return pattern === null || pattern === subject || matchesPattern(pattern, name);
}

function isPattern({ subject }: StoredBudget): boolean {
  return subject.includes('*');
}

function placeOf({ per, subject }: BudgetTarget): string {
  return `${per}/${subject}`;
}

function fromFile(rule: BudgetRule): ActiveBudget {
  return { rule, source: 'file', slot: slotOf(rule.measure, rule.window) };
}

/** Alerts and shrinking are the file's to say, so they come from the rule that is replaced. */
function fromCommand(
  { per, subject, measure, window, limit }: StoredBudget,
  replaced: ActiveBudget | undefined,
): ActiveBudget {
  const { alertAt = [], onExceed = 'refuse' } = replaced?.rule ?? {};
  const name = per === 'all' ? null : subject;
  const rule: BudgetRule = { per, name, measure, limit, window, alertAt, onExceed };
  return { rule, source: 'command', slot: slotOf(measure, window) };
}

/** A pattern made by a command takes the place of the file's rule for the same pattern. */
function replaceSamePattern(
  written: readonly ActiveBudget[],
  made: readonly StoredBudget[],
): ActiveBudget[] {
  let budgets: readonly ActiveBudget[] = written;
  for (const stored of made) {
    const slot = slotOf(stored.measure, stored.window);
    const isSame = (other: ActiveBudget) =>
      other.slot === slot && (other.rule.name ?? '*') === stored.subject;
    const replaced = budgets.find(isSame);
    budgets = [...budgets.filter((other) => !isSame(other)), fromCommand(stored, replaced)];
  }
  return [...budgets];
}

/** Budgets for the very subject take the place of all that match it. */
function override(
  matching: readonly ActiveBudget[],
  exact: readonly StoredBudget[],
): readonly ActiveBudget[] {
  let budgets = matching;
  for (const stored of exact) {
    const slot = slotOf(stored.measure, stored.window);
    const replaced = budgets.find((other) => other.slot === slot);
    budgets = [...budgets.filter((other) => other.slot !== slot), fromCommand(stored, replaced)];
  }
  return budgets;
}

function toResolved(
  budgets: readonly ActiveBudget[],
  grants: readonly BudgetGrant[] | undefined,
): Resolved {
  const alerting = budgets.filter(({ rule }) => rule.alertAt.length > 0);
  if (grants === undefined) return { budgets, alerting, allowances: null };
  const bySlot = Map.groupBy(grants, ({ measure, window }) => slotOf(measure, window));
  const allowances = new Map([...bySlot].map(([slot, of]) => [slot, new Allowance(of)] as const));
  return { budgets, alerting, allowances };
}
