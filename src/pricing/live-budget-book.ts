import { assert } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { GateError } from '../core/error.ts';
import { type Key, WINDOWS, type Window } from '../core/key.ts';
import { type ActiveBudget, BudgetResolver } from './budget-resolver.ts';
import {
  BUDGET_SCOPES,
  type BudgetMeasure,
  type BudgetRule,
  type BudgetScope,
} from './budget-rule.ts';
import type { BudgetGrant, StoredBudget } from './budget-target.ts';
import type {
  Amount,
  BudgetBook,
  BudgetStanding,
  BudgetStats,
  Hold,
  Payer,
  Recount,
  Room,
  Spend,
  SubjectSpend,
  WindowSums,
} from './budgets.ts';
import { Calendar } from './calendar.ts';
import { OpenHold } from './open-hold.ts';
import { quotaRefusal } from './quota-refusal.ts';
import { ScopePurses } from './scope-purses.ts';
import { getSlot, slotOf, WINDOW_COUNT } from './slot.ts';
import { budgetsOfKey, standingsOf } from './standing.ts';
import { type Blocking, Survey } from './survey.ts';
import { type Crossing, ThresholdWatch } from './threshold-watch.ts';
import { windowEndMs } from './window.ts';
import type { Zone } from './zone.ts';

export interface LiveBudgetBookParts {
  readonly rules: readonly BudgetRule[];
  readonly clock: Clock;
  readonly zone: Zone;
  readonly onThreshold: (crossing: Crossing) => void;
}

/** The row of the one purse of the scope `all`. */
const EVERYBODY = 1;

const TOTAL_USD = slotOf('usd', 'total');
const TOTAL_TOKENS = slotOf('tokens', 'total');

/** What one request spent, in the purses of its payer. */
type Posting = Pick<OpenHold, 'rows' | 'openedMs' | 'nanoUsd' | 'tokens'>;

const UNLIMITED: Room = {
  nanoUsd: Number.POSITIVE_INFINITY,
  tokens: Number.POSITIVE_INFINITY,
  mayShrink: true,
  limited: false,
};

/** A request meets numbers in tables and makes nothing but its hold. */
export class LiveBudgetBook implements BudgetBook {
  readonly #clock: Clock;
  readonly #calendar: Calendar;
  readonly #resolver = new BudgetResolver();
  readonly #scopes: Readonly<Record<BudgetScope, ScopePurses>>;
  readonly #ordered: readonly ScopePurses[];
  readonly #survey: Survey;
  readonly #watch: ThresholdWatch;
  /** Of the payer that was looked at last: its purse in each scope of `#ordered`, 0 for none. */
  readonly #rows: number[] = BUDGET_SCOPES.map(() => 0);
  /** What was spent since a recount began; null while none is under way. */
  #sinceRecount: Posting[] | null = null;
  #refused = 0;
  #overruns = 0;
  #overrunNanoUsd = 0;
  #overrunTokens = 0;

  constructor({ rules, clock, zone, onThreshold }: LiveBudgetBookParts) {
    this.#clock = clock;
    this.#calendar = new Calendar(clock.nowMs(), zone);
    this.#resolver.replaceRules(rules);
    const open = (per: BudgetScope) => new ScopePurses(per, this.#resolver, this.#calendar);
    this.#scopes = {
      all: open('all'),
      tenant: open('tenant'),
      team: open('team'),
      user: open('user'),
      key: open('key'),
      model: open('model'),
    };
    this.#ordered = BUDGET_SCOPES.map((per) => this.#scopes[per]);
    this.#scopes.all.purses.open('');
    this.#survey = new Survey(this.#calendar);
    this.#watch = new ThresholdWatch(this.#calendar, onThreshold);
  }

  starts(): WindowSums {
    this.#advance();
    return byWindow((window) => this.#calendar.startMs(window));
  }

  load(spends: Readonly<Record<Window, Iterable<Spend>>>): void {
    assert(this.#scopes.all.purses.holds(EVERYBODY) === 0, 'nothing is held while spending loads');
    for (const [index, window] of WINDOWS.entries()) {
      for (const spend of spends[window]) this.#loadOne(spend, index);
    }
  }

  reserve(payer: Payer, amount: Amount): Hold {
    const { nanoUsd, tokens } = amount;
    const { blocking } = this.#look(payer, nanoUsd, tokens);
    if (blocking !== null) throw this.#refuse(blocking, amount);
    const { purses } = this.#scopes.all;
    const isCountable =
      Number.isSafeInteger(purses.held(EVERYBODY, TOTAL_USD) + nanoUsd) &&
      Number.isSafeInteger(purses.held(EVERYBODY, TOTAL_TOKENS) + tokens);
    if (!isCountable) {
      throw new GateError('insufficient_quota', 'More would be held at once than can be counted.');
    }
    const rows = this.#rows.slice();
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index] ?? 0;
      if (row !== 0) this.#ordered[index]?.purses.hold(row, nanoUsd, tokens);
    }
    return new OpenHold(this, rows, nanoUsd, tokens);
  }

  recount(): Recount {
    assert(this.#sinceRecount === null, 'one recount at a time');
    const starts = this.starts();
    this.#sinceRecount = [];
    return {
      starts,
      finish: (spends) => this.#finishRecount(starts, spends),
      abandon: () => {
        this.#sinceRecount = null;
      },
    };
  }

  room(payer: Payer, { nanoUsd, tokens }: Amount): Room {
    const survey = this.#look(payer, nanoUsd, tokens);
    if (!survey.limited) return UNLIMITED;
    return {
      nanoUsd: Math.max(0, survey.nanoUsd),
      tokens: Math.max(0, survey.tokens),
      mayShrink: survey.mayShrink,
      limited: true,
    };
  }

  refusal(payer: Payer, amount: Amount): GateError | null {
    const { blocking } = this.#look(payer, amount.nanoUsd, amount.tokens);
    return blocking === null ? null : this.#toRefusal(blocking, amount);
  }

  /** The current quarter of an hour. */
  get quarterMs(): number {
    return this.#calendar.quarterMs;
  }

  /** Ends a hold; `actual` is null when nothing was due. Called once for each by the hold itself. */
  close({ rows, nanoUsd, tokens, openedMs }: OpenHold, actual: Amount | null): void {
    this.#advance();
    const spentNanoUsd = toCount(actual?.nanoUsd);
    const spentTokens = toCount(actual?.tokens);
    for (let index = 0; index < rows.length; index += 1) {
      const scope = this.#ordered[index];
      const row = rows[index] ?? 0;
      if (row === 0 || scope === undefined) continue;
      scope.purses.roll(row);
      scope.purses.release(row, nanoUsd, tokens, openedMs);
      if (actual === null) continue;
      scope.purses.post(row, spentNanoUsd, spentTokens, openedMs);
      this.#watch.look(scope, row);
    }
    if (actual !== null) {
      this.#sinceRecount?.push({ rows, openedMs, nanoUsd: spentNanoUsd, tokens: spentTokens });
    }
    if (spentNanoUsd <= nanoUsd && spentTokens <= tokens) return;
    this.#overruns += 1;
    this.#overrunNanoUsd += Math.max(0, spentNanoUsd - nanoUsd);
    this.#overrunTokens += Math.max(0, spentTokens - tokens);
  }

  standing(per: BudgetScope, subject: string, key?: Key): BudgetStanding[] {
    this.#advance();
    const { purses } = this.#scopes[per];
    const row = purses.find(subject);
    if (row !== 0) purses.roll(row);
    const known = per === 'key' ? key : undefined;
    const resolved = this.#resolver.resolve(per, subject, known?.name ?? subject);
    const own = known === undefined ? [] : budgetsOfKey(known);
    const budgets: readonly ActiveBudget[] = [...resolved.budgets, ...own];
    return standingsOf({ subject, purses, row, resolved }, budgets, this.#calendar);
  }

  spent(per: BudgetScope, subject: string): Readonly<Record<BudgetMeasure, WindowSums>> {
    this.#advance();
    const { purses } = this.#scopes[per];
    const row = purses.find(subject);
    if (row !== 0) purses.roll(row);
    const sums = (measure: BudgetMeasure) =>
      byWindow((window) => purses.spent(row, slotOf(measure, window)));
    return { usd: sums('usd'), tokens: sums('tokens') };
  }

  spentInTotal(): SubjectSpend[] {
    return this.#ordered.flatMap(({ per, purses }) =>
      purses.subjects.map((subject, index) => ({
        per,
        subject,
        costNanoUsd: BigInt(purses.spent(index + 1, TOTAL_USD)),
        tokens: BigInt(purses.spent(index + 1, TOTAL_TOKENS)),
      })),
    );
  }

  subjects(per: BudgetScope): readonly string[] {
    return this.#scopes[per].purses.subjects;
  }

  rules(per: BudgetScope): { patterns: readonly ActiveBudget[]; unused: string[] } {
    const { purses } = this.#scopes[per];
    const named = [...this.#resolver.named(per)];
    const unused = named.filter((subject) => purses.find(subject) === 0);
    return { patterns: this.#resolver.patterns(per), unused };
  }

  replaceRules(rules: readonly BudgetRule[]): void {
    this.#resolver.replaceRules(rules);
    this.#forgetBudgets();
  }

  replaceStored(budgets: readonly StoredBudget[]): void {
    this.#resolver.replaceStored(budgets);
    this.#forgetBudgets();
  }

  replaceGrants(grants: readonly BudgetGrant[]): void {
    this.#resolver.replaceGrants(grants);
    this.#forgetBudgets();
  }

  stats(): BudgetStats {
    const { purses } = this.#scopes.all;
    return {
      purses: this.#ordered.reduce((count, scope) => count + scope.purses.size, 0),
      holds: purses.holds(EVERYBODY),
      heldNanoUsd: purses.held(EVERYBODY, TOTAL_USD),
      heldTokens: purses.held(EVERYBODY, TOTAL_TOKENS),
      refused: this.#refused,
      overruns: this.#overruns,
      overrunNanoUsd: this.#overrunNanoUsd,
      overrunTokens: this.#overrunTokens,
      alertsFailed: this.#watch.failed,
    };
  }

  #finishRecount(before: WindowSums, spends: Parameters<BudgetBook['load']>[0]): void {
    const posts = this.#sinceRecount ?? [];
    this.#sinceRecount = null;
    const now = this.starts();
    for (const { purses } of this.#ordered) purses.clearSpent();
    for (const [index, window] of WINDOWS.entries()) {
      // A window that has turned meanwhile holds only what was spent since.
      if (now[window] !== before[window]) continue;
      for (const spend of spends[window]) this.#loadOne(spend, index);
    }
    for (const { rows, nanoUsd, tokens, openedMs } of posts) {
      for (const [index, scope] of this.#ordered.entries()) {
        const row = rows[index] ?? 0;
        if (row !== 0) scope.purses.post(row, nanoUsd, tokens, openedMs);
      }
    }
  }

  #advance(): void {
    if (this.#calendar.advance(this.#clock.nowMs())) this.#watch.forgetEnded();
  }

  /** Finds the purses of a payer, and what all budgets on them leave. */
  #look({ key, model }: Payer, nanoUsd: number, tokens: number): Survey {
    this.#advance();
    this.#survey.begin(nanoUsd, tokens);
    const { all, tenant, team, user, model: models } = this.#scopes;
    const rows = this.#rows;
    rows[0] = this.#meet(all, '');
    rows[1] = key.tenant === null ? 0 : this.#meet(tenant, key.tenant);
    rows[2] = key.team === null ? 0 : this.#meet(team, key.team);
    rows[3] = key.user === null ? 0 : this.#meet(user, key.user);
    rows[4] = this.#meetKey(key);
    rows[5] = model === '' ? 0 : this.#meet(models, model);
    return this.#survey;
  }

  #meet(scope: ScopePurses, subject: string): number {
    const row = scope.purses.open(subject);
    this.#survey.meetPurse(scope, row, subject);
    return row;
  }

  #meetKey({ id, name, limits }: Key): number {
    const scope = this.#scopes.key;
    const row = scope.purses.open(id);
    this.#survey.meetPurse(scope, row, name);
    const { budget, tokenBudget } = limits;
    if (budget !== null) {
      this.#survey.meet(slotOf('usd', budget.window), budget.nanoUsd, 'refuse');
    }
    if (tokenBudget !== null) {
      this.#survey.meet(slotOf('tokens', tokenBudget.window), tokenBudget.tokens, 'refuse');
    }
    return row;
  }

  #refuse(blocking: Blocking, asked: Amount): GateError {
    this.#refused += 1;
    // Also here: a limit that was lowered may refuse everything, and nothing would settle again.
    for (const [index, each] of this.#ordered.entries()) {
      const payers = this.#rows[index] ?? 0;
      if (payers !== 0) this.#watch.look(each, payers);
    }
    return this.#toRefusal(blocking, asked);
  }

  #toRefusal({ scope, row, slot, limit, left, held }: Blocking, asked: Amount): GateError {
    const { measure, window } = getSlot(slot);
    return quotaRefusal({
      target: { per: scope.per, subject: scope.subjectOf(row), measure, window },
      amount: measure === 'usd' ? asked.nanoUsd : asked.tokens,
      limit,
      left,
      held,
      resetsAtMs: windowEndMs(window, this.#calendar.nowMs, this.#calendar.zone),
    });
  }

  #loadOne(spend: Spend, windowIndex: number): void {
    const nanoUsd = toSum(spend.costNanoUsd);
    const tokens = toSum(spend.tokens);
    for (const { per, purses } of this.#ordered) {
      const subject = subjectOf(spend, per);
      if (subject === null) continue;
      // As of `starts()`: a window that has turned since then begins at nothing at its first use.
      const row = purses.open(subject);
      purses.load(row, windowIndex, nanoUsd);
      purses.load(row, windowIndex + WINDOW_COUNT, tokens);
    }
  }

  #forgetBudgets(): void {
    for (const scope of this.#ordered) scope.forgetBudgets();
  }
}

function subjectOf(spend: Spend, per: BudgetScope): string | null {
  if (per === 'all') return '';
  if (per === 'key') return spend.keyId;
  if (per === 'model') return spend.model === '' ? null : spend.model;
  return spend[per];
}

/** What cannot be counted is nothing: a negative amount would be a refund, NaN the end of a sum. */
function toCount(value: number | undefined): number {
  return value !== undefined && value > 0 ? value : 0;
}

function toSum(value: bigint): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}

function byWindow(read: (window: Window) => number): WindowSums {
  return {
    hour: read('hour'),
    day: read('day'),
    week: read('week'),
    month: read('month'),
    total: read('total'),
  };
}
