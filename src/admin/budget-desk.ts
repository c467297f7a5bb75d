import type { AuditAction } from '../audit/actions.ts';
import type { Clock } from '../core/clock.ts';
import type { BudgetRule } from '../pricing/budget-rule.ts';
import type { BudgetBook, BudgetStanding } from '../pricing/budgets.ts';
import { loadBudgets, refreshBudgets } from '../store/load-budgets.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import type { BudgetRef } from './budget-ref.ts';
import { renderBudgetRef } from './budget-ref.ts';
import type { BudgetList, BudgetView } from './budget-schemas.ts';
import { toBudgetView, toPatternView } from './budget-view.ts';
import type { LiveGateway } from './live-gateway.ts';
import { OperationError } from './operation-error.ts';

/** What a configuration says of budgets. */
export interface FileBudgets {
  readonly rules: readonly BudgetRule[];
  readonly timezone: string;
}

export interface BudgetOperationsParts {
  readonly store: Pick<Store, 'keys' | 'books' | 'budgets' | 'audit' | 'transact'>;
  readonly clock: Clock;
  readonly live: LiveGateway | null;
  readonly actor: () => Actor;
  /** Asked for without a gateway; null when no configuration can be read. */
  readonly fileBudgets: () => Promise<FileBudgets | null>;
}

/** The book of budgets for as long as one operation takes, and where it came from. */
export interface BudgetDesk {
  readonly book: BudgetBook;
  /** Without it, neither the budgets of the file nor when windows begin are known. */
  readonly fileKnown: boolean;
}

export async function openDesk(parts: BudgetOperationsParts): Promise<BudgetDesk> {
  const { store, clock, live } = parts;
  if (live !== null) return { book: live.budgets, fileKnown: true };
  const file = await parts.fileBudgets();
  const { rules, timezone } = file ?? { rules: [], timezone: 'UTC' };
  const book = await loadBudgets({ store, clock, rules, timezone });
  return { book, fileKnown: file !== null };
}

/** After a change: the book must say what the store does. */
export function refreshDesk({ store, clock }: BudgetOperationsParts, { book }: BudgetDesk): void {
  refreshBudgets(book, store, clock);
}

/** Every budget that applies to a target; for a pattern those that were made for it. */
export function showTarget(
  { store }: BudgetOperationsParts,
  { book, fileKnown }: BudgetDesk,
  ref: BudgetRef,
): BudgetList {
  if (ref.isPattern) {
    const { patterns } = book.rules(ref.per);
    const same = patterns.filter(({ rule }) => (rule.name ?? '*') === ref.subject);
    return { budgets: same.map(toPatternView), file_known: fileKnown };
  }
  return { budgets: viewSubject(store, book, ref), file_known: fileKnown };
}

export function standingOf(
  store: BudgetOperationsParts['store'],
  book: BudgetBook,
  { per, subject }: Pick<BudgetRef, 'per' | 'subject'>,
): { standing: BudgetStanding[]; name: string } {
  const key = per === 'key' ? store.keys.find(subject) : undefined;
  return { standing: book.standing(per, subject, key), name: key?.name ?? subject };
}

function viewSubject(
  store: BudgetOperationsParts['store'],
  book: BudgetBook,
  ref: BudgetRef,
): BudgetView[] {
  const { standing, name } = standingOf(store, book, ref);
  return standing.map((each) => toBudgetView(each, name));
}

/** All of them are looked at whenever one changes. */
export const STORED_MAX = 10_000;

/** Inside the transaction of the change that it tells of. */
export function recordBudgetEvent(
  { store, clock, actor }: BudgetOperationsParts,
  action: AuditAction,
  { per, subject }: BudgetRef,
  change: { readonly before: unknown; readonly after: unknown },
): void {
  const target = renderBudgetRef(per, subject);
  store.audit.record({ atMs: clock.nowMs(), action, target, ...change, ...actor() });
}

export function tooMany(what: string): OperationError {
  return new OperationError('conflict', `there are ${STORED_MAX} ${what}, the most there can be`);
}

export function noBudget({ text }: BudgetRef, { fileKnown }: BudgetDesk): OperationError {
  const unsure = fileKnown ? '' : ' (the configuration, which may have some, cannot be read)';
  return new OperationError('not_found', `no such budget applies to ${text}${unsure}`);
}
