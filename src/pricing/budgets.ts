import type { Clock } from '../core/clock.ts';
import type { GateError } from '../core/error.ts';
import type { Key, Window } from '../core/key.ts';
import type { NanoUsd } from '../core/money.ts';
import type { ActiveBudget } from './budget-resolver.ts';
import type { BudgetMeasure, BudgetRule, BudgetScope } from './budget-rule.ts';
import type { BudgetGrant, BudgetTarget, StoredBudget } from './budget-target.ts';
import { LiveBudgetBook } from './live-budget-book.ts';
import type { Crossing } from './threshold-watch.ts';
import { createZone } from './zone.ts';

/** Who pays for a request: a key with the user, team and tenant that it names, and a model. */
export interface Payer {
  readonly key: Key;
  /** As the configuration names it. */
  readonly model: string;
}

export interface Amount {
  readonly nanoUsd: NanoUsd;
  /** Input and output together. */
  readonly tokens: number;
}

/** What is set aside for one request in every budget. The first of settle and cancel counts. */
export interface Hold {
  /** Gives back the hold and books what was due, also when that is more than was held. */
  settle(actual: Amount): void;
  /** Gives back the hold; nothing was due. */
  cancel(): void;
}

/** A new count of what was spent, under way. Ends with one of its two calls. */
export interface Recount {
  /** When each window began. */
  readonly starts: Readonly<Record<Window, number>>;
  /** Replaces what was spent since each of `starts`; what is held stays. */
  finish(spends: Readonly<Record<Window, Iterable<Spend>>>): void;
  abandon(): void;
}

/** What a payer may still spend. */
export interface Room {
  /** `Infinity` where nothing limits. */
  readonly nanoUsd: number;
  readonly tokens: number;
  /** Every budget that the amount asked for does not fit in would have it shrunk. */
  readonly mayShrink: boolean;
  /** Whether any budget applies. */
  readonly limited: boolean;
}

/** What one combination of payers spent in a stretch of time. */
export interface Spend {
  readonly keyId: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly model: string;
  readonly costNanoUsd: bigint;
  readonly tokens: bigint;
}

/** What one subject spent. */
export interface SubjectSpend {
  readonly per: BudgetScope;
  readonly subject: string;
  readonly costNanoUsd: bigint;
  readonly tokens: bigint;
}

/** One budget that applies to a subject, as it stands now. Nano-dollars or tokens. */
export interface BudgetStanding {
  readonly target: BudgetTarget;
  readonly rule: BudgetRule;
  readonly source: ActiveBudget['source'];
  /** With what was granted on top of the limit of the rule. */
  readonly limit: number;
  /** Without what resets took out of the count. */
  readonly spent: number;
  /** Held for requests in flight. */
  readonly held: number;
  readonly windowStartMs: number;
  /** null for `total`, which never resets. */
  readonly resetsAtMs: number | null;
  /** Those that count now. */
  readonly grants: readonly BudgetGrant[];
}

export interface BudgetStats {
  /** Subjects that are followed, in all scopes. */
  readonly purses: number;
  /** Requests whose hold is open. */
  readonly holds: number;
  readonly heldNanoUsd: number;
  readonly heldTokens: number;
  readonly refused: number;
  /** Requests that cost or used more than was held for them. */
  readonly overruns: number;
  readonly overrunNanoUsd: number;
  readonly overrunTokens: number;
  /** Alerts that `onThreshold` did not take. */
  readonly alertsFailed: number;
}

/**
 * Who has spent how much, and whether there is enough left. Spending is followed for every subject
 * of every scope in every kind of window, in money and in tokens, whether or not a budget looks at
 * it, so that a budget that is added later knows what happened before it. A request without a
 * user, team or tenant is in no purse of that scope.
 */
export interface BudgetBook {
  /** When each window began. What `load` takes is counted from these moments. */
  starts(): Readonly<Record<Window, number>>;
  /**
   * Counts what the ledger has on record since each of `starts()`. Once, before the first
   * reservation.
   */
  load(spends: Readonly<Record<Window, Iterable<Spend>>>): void;
  /**
   * Holds `amount`, the most the request can take, in every budget that applies, or in none.
   * Throws `insufficient_quota`, naming the budget. What is held and spent counts in the windows
   * of the moment of this call, whenever the request ends.
   */
  reserve(payer: Payer, amount: Amount): Hold;
  /**
   * Counts anew while requests go on. What is spent until `finish` is added to what that is given,
   * so the caller sees to it that both together are everything and nothing is in both.
   */
  recount(): Recount;
  /** What is left for a payer, and whether `amount` may be made smaller to fit. Takes nothing. */
  room(payer: Payer, amount: Amount): Room;
  /** What `reserve` would throw now; null when it would hold the amount. Takes and counts nothing. */
  refusal(payer: Payer, amount: Amount): GateError | null;
  /** Every budget of one subject; for a key also those that it carries itself. */
  standing(per: BudgetScope, subject: string, key?: Key): BudgetStanding[];
  /** Spent in each current window. */
  spent(per: BudgetScope, subject: string): Readonly<Record<BudgetMeasure, WindowSums>>;
  /**
   * What every subject has spent in all. Equal to the sum of its rows whenever no request is
   * between its settlement and its row. A figure of 2^53 - 1 means that much or more.
   */
  spentInTotal(): SubjectSpend[];
  /** Subjects of a scope that asked for anything, in the order in which they first did. */
  subjects(per: BudgetScope): readonly string[];
  /**
   * Budgets of a scope that are made for patterns, and subjects that have one by name, or a grant,
   * and never asked for anything.
   */
  rules(per: BudgetScope): {
    readonly patterns: readonly ActiveBudget[];
    readonly unused: readonly string[];
  };
  replaceRules(rules: readonly BudgetRule[]): void;
  replaceStored(budgets: readonly StoredBudget[]): void;
  replaceGrants(grants: readonly BudgetGrant[]): void;
  stats(): BudgetStats;
}

export type WindowSums = Readonly<Record<Window, number>>;

export interface BudgetBookOptions {
  /** Of the configuration. */
  readonly rules: readonly BudgetRule[];
  readonly clock: Clock;
  /** IANA name of the zone whose calendar the windows follow; UTC when left out. */
  readonly timezone?: string;
  /** Called once for each window and threshold; what it throws is counted and it is asked again. */
  readonly onThreshold?: (crossing: Crossing) => void;
}

export function createBudgetBook(options: BudgetBookOptions): BudgetBook {
  const { rules, clock, timezone = 'UTC', onThreshold = () => {} } = options;
  return new LiveBudgetBook({ rules, clock, zone: createZone(timezone), onThreshold });
}
