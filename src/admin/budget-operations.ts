import type { Key } from '../core/key.ts';
import { BUDGET_SCOPES, type BudgetScope } from '../pricing/budget-rule.ts';
import type { BudgetStanding } from '../pricing/budgets.ts';
import { removeBudget, setBudget } from './budget-changes.ts';
import {
  type BudgetDesk,
  type BudgetOperationsParts,
  noBudget,
  openDesk,
  showTarget,
} from './budget-desk.ts';
import { grantBudget, resetBudget } from './budget-grants.ts';
import { parseBudgetRef } from './budget-ref.ts';
import type {
  BudgetChoice,
  BudgetList,
  BudgetPage,
  BudgetSetting,
  BudgetView,
  NewGrant,
} from './budget-schemas.ts';
import { toBudgetView, toPatternView } from './budget-view.ts';
import { OperationError } from './operation-error.ts';

/** `target` is `all`, `team/NAME`, `key/NAME_OR_ID`, … or a pattern such as `model/llama*`. */
export interface BudgetOperations {
  /** Scope by scope: budgets of patterns, then every purse that something was spent from. */
  list(request: BudgetPageRequest): Promise<BudgetPage>;
  /** Throws `not_found` when no budget applies. */
  show(target: string): Promise<BudgetList>;
  set(target: string, setting: BudgetSetting): Promise<BudgetList>;
  /** Throws `not_found` when no command made one, `conflict` for those of the file. */
  remove(target: string, choice: BudgetChoice): Promise<BudgetList>;
  grant(target: string, grant: NewGrant): Promise<BudgetList>;
  /** What was spent in the windows that run no longer counts. */
  reset(target: string, choice: BudgetChoice): Promise<BudgetList>;
}

export interface BudgetPageRequest {
  /** null for every scope. */
  readonly per: BudgetScope | null;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  /** At most `SUBJECTS_MAX` subjects are looked at for a page, which may have none to show. */
  readonly limit: number;
}

/** Some 10 µs each: a page keeps a gateway from its requests for 5 ms at most. */
export const SUBJECTS_MAX = 500;

export function createBudgetOperations(parts: BudgetOperationsParts): BudgetOperations {
  return {
    list: async (request) => listPage(parts, await openDesk(parts), request),
    async show(target) {
      const desk = await openDesk(parts);
      const ref = parseBudgetRef(target, parts.store.keys);
      const found = showTarget(parts, desk, ref);
      if (found.budgets.length === 0) throw noBudget(ref, desk);
      return found;
    },
    set: async (target, setting) => setBudget(parts, await openDesk(parts), target, setting),
    remove: async (target, choice) => removeBudget(parts, await openDesk(parts), target, choice),
    grant: async (target, grant) => grantBudget(parts, await openDesk(parts), target, grant),
    reset: async (target, choice) => resetBudget(parts, await openDesk(parts), target, choice),
  };
}

/** A place in the list: so many subjects of a scope, or for keys the last id, are behind it. */
interface Cursor {
  readonly per: BudgetScope;
  readonly at: string;
}

interface Part {
  readonly budgets: BudgetView[];
  /** Where the next page goes on in the same scope; null at its end. */
  readonly next: string | null;
}

/** Keys come last: there may be a million. */
const ORDER: readonly BudgetScope[] = [...BUDGET_SCOPES.filter((per) => per !== 'key'), 'key'];

function listPage(
  parts: BudgetOperationsParts,
  desk: BudgetDesk,
  { per, after, limit }: BudgetPageRequest,
): BudgetPage {
  const scopes = per === null ? ORDER : [per];
  const cursor = parseCursor(after) ?? { per: scopes[0] ?? 'all', at: '' };
  const count = Math.min(Math.max(limit, 1), SUBJECTS_MAX);
  const { budgets, next } =
    cursor.per === 'key'
      ? listKeys(parts, desk, cursor.at, count)
      : listSubjects(desk, cursor.per, Number(cursor.at), count);
  const first = cursor.at === '' ? desk.book.rules(cursor.per).patterns : [];
  const patterns = cursor.per === 'all' ? [] : first.map(toPatternView);
  const scope = next === null ? scopes[scopes.indexOf(cursor.per) + 1] : cursor.per;
  return {
    budgets: [...patterns, ...budgets],
    file_known: desk.fileKnown,
    next: scope === undefined ? null : `${scope}:${next ?? ''}`,
  };
}

function parseCursor(text: string | null): Cursor | null {
  if (text === null) return null;
  const [, scope, at = ''] = /^([a-z]+):(\d*|[0-9A-Za-z]*)$/.exec(text) ?? [];
  const per = BUDGET_SCOPES.find((known) => known === scope);
  if (per !== undefined && (per === 'key' || /^\d*$/.test(at))) return { per, at };
  throw new OperationError('invalid', `after: "${text}" is no place in the list`);
}

/** Those with a purse, in the order of their first request, then those that only have a name. */
function listSubjects({ book }: BudgetDesk, per: BudgetScope, from: number, count: number): Part {
  const withPurse = book.subjects(per);
  const to = from + count;
  const subjects = withPurse.slice(from, to);
  const { unused } = book.rules(per);
  const seen = withPurse.length;
  if (to > seen) subjects.push(...unused.slice(Math.max(0, from - seen), to - seen));
  const budgets = subjects.flatMap((subject) =>
    book
      .standing(per, subject)
      .filter((standing) => per === 'all' || isOfInterest(standing))
      .map((standing) => toBudgetView(standing, subject)),
  );
  return { budgets, next: to >= seen + unused.length ? null : String(to) };
}

function listKeys(
  { store }: BudgetOperationsParts,
  { book }: BudgetDesk,
  after: string,
  count: number,
): Part {
  const keys = store.keys.page(after === '' ? null : after, count);
  const isLive = ({ status }: Key) => status !== 'revoked';
  const budgets = keys.filter(isLive).flatMap((key) =>
    book
      .standing('key', key.id, key)
      .filter(isOfInterest)
      .map((standing) => toBudgetView(standing, key.name)),
  );
  return { budgets, next: keys.length < count ? null : (keys.at(-1)?.id ?? null) };
}

/** A purse that nobody has touched, under a budget that is the same for all, is not worth a line. */
function isOfInterest({ source, rule, target, spent, held, grants }: BudgetStanding): boolean {
  if (spent > 0 || held > 0 || grants.length > 0) return true;
  return source === 'key' || (source === 'command' && rule.name === target.subject);
}
