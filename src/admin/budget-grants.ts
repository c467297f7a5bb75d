import type { AuditAction } from '../audit/actions.ts';
import { fromUsd } from '../core/money.ts';
import type { BudgetMeasure } from '../pricing/budget-rule.ts';
import type { BudgetGrant } from '../pricing/budget-target.ts';
import type { BudgetStanding } from '../pricing/budgets.ts';
import { type Choice, isChosen, isSameTarget } from './budget-choice.ts';
import {
  type BudgetDesk,
  type BudgetOperationsParts,
  noBudget,
  recordBudgetEvent,
  refreshDesk,
  STORED_MAX,
  showTarget,
  standingOf,
  tooMany,
} from './budget-desk.ts';
import { type BudgetRef, parseBudgetRef } from './budget-ref.ts';
import { BudgetChoice, type BudgetList, NewGrant } from './budget-schemas.ts';
import { amountsOf } from './budget-view.ts';
import { toIso } from './key-view.ts';
import { OperationError } from './operation-error.ts';
import { parseInput } from './parse-input.ts';

type NewStoredGrant = Omit<BudgetGrant, 'id'>;

/** A top-up or a raise of one purse, written with the event that tells of it or not at all. */
export function grantBudget(
  parts: BudgetOperationsParts,
  desk: BudgetDesk,
  target: string,
  input: NewGrant,
): BudgetList {
  const wish = parseInput(NewGrant, input);
  const { store, clock } = parts;
  const ref = parsePurse(parts, target);
  const standing = getOneBudget(standingOf(store, desk.book, ref).standing, wish, ref, desk);
  const nowMs = clock.nowMs();
  const untilMs = parseUntil(wish, nowMs);
  if (untilMs === null) assertWindowsKnown(desk);
  const grant: NewStoredGrant = {
    ...standing.target,
    kind: wish.kind,
    amount: parseAmount(wish.amount, standing.target.measure),
    windowStartMs: untilMs === null ? standing.windowStartMs : null,
    untilMs,
    createdAtMs: nowMs,
  };
  addGrants(parts, ref, 'budget.grant', [grant]);
  refreshDesk(parts, desk);
  return showTarget(parts, desk, ref);
}

export function resetBudget(
  parts: BudgetOperationsParts,
  desk: BudgetDesk,
  target: string,
  input: BudgetChoice,
): BudgetList {
  const choice = parseInput(BudgetChoice, input);
  const { store, clock } = parts;
  assertWindowsKnown(desk);
  const ref = parsePurse(parts, target);
  const found = standingOf(store, desk.book, ref).standing.filter((standing) =>
    isChosen(standing.target, choice),
  );
  if (found.length === 0) throw noBudget(ref, desk);
  const grants = onePerPurse(found)
    .filter(({ spent }) => spent > 0)
    .map(
      ({ target: purse, spent, windowStartMs }): NewStoredGrant => ({
        ...purse,
        kind: 'reset',
        amount: spent,
        windowStartMs,
        untilMs: null,
        createdAtMs: clock.nowMs(),
      }),
    );
  addGrants(parts, ref, 'budget.reset', grants);
  refreshDesk(parts, desk);
  return showTarget(parts, desk, ref);
}

function addGrants(
  parts: BudgetOperationsParts,
  ref: BudgetRef,
  action: AuditAction,
  grants: readonly NewStoredGrant[],
): void {
  const { store, clock } = parts;
  if (store.budgets.grants(clock.nowMs()).length + grants.length > STORED_MAX) {
    throw tooMany('grants');
  }
  store.transact(() => {
    for (const grant of grants) {
      store.budgets.addGrant(grant);
      recordBudgetEvent(parts, action, ref, { before: null, after: toGrantEvent(grant) });
    }
  });
}

/** A target with one purse. A pattern has many, and what was spent from each is its own. */
function parsePurse({ store }: BudgetOperationsParts, target: string): BudgetRef {
  const ref = parseBudgetRef(target, store.keys);
  if (!ref.isPattern) return ref;
  throw new OperationError(
    'invalid',
    `${target} stands for many purses: name the one to top up, raise or reset`,
  );
}

/** Several budgets may bound one purse, measure and window: they share what is granted and reset. */
function onePerPurse(found: readonly BudgetStanding[]): BudgetStanding[] {
  return found.filter(
    ({ target }, index) => found.findIndex((other) => isSameTarget(other.target, target)) === index,
  );
}

function getOneBudget(
  standing: readonly BudgetStanding[],
  choice: Choice,
  ref: BudgetRef,
  desk: BudgetDesk,
): BudgetStanding {
  const found = onePerPurse(standing.filter((each) => isChosen(each.target, choice)));
  const [only, ...others] = found;
  if (only === undefined) throw noBudget(ref, desk);
  if (others.length === 0) return only;
  const names = found.map(({ target: { measure, window } }) => `${measure} per ${window}`);
  throw new OperationError(
    'invalid',
    `${ref.text} has budgets of ${names.join(', ')}: say which by measure and window`,
  );
}

function parseUntil({ kind, until }: NewGrant, nowMs: number): number | null {
  if (kind === 'top_up') {
    if (until === undefined) return null;
    throw new OperationError('invalid', 'until: a top-up ends with its window; raise has an end');
  }
  if (until === undefined) throw new OperationError('invalid', 'until: say when the raise ends');
  const untilMs = Date.parse(until);
  if (untilMs > nowMs) return untilMs;
  throw new OperationError('invalid', `until: ${until} is in the past`);
}

function parseAmount(text: string, measure: BudgetMeasure): number {
  if (measure === 'usd') {
    if (/^\d{1,7}(\.\d{1,9})?$/.test(text)) {
      const dollars = Number(text);
      if (dollars > 0 && dollars < 9_000_000) return fromUsd(dollars);
    }
    throw new OperationError('invalid', `amount: "${text}" is no sum of dollars, such as 50`);
  }
  const tokens = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (tokens >= 1 && Number.isSafeInteger(tokens)) return tokens;
  throw new OperationError('invalid', `amount: "${text}" is no number of tokens, such as 500000`);
}

/** A grant of a window that begins otherwise would never count. */
function assertWindowsKnown({ fileKnown }: BudgetDesk): void {
  if (fileKnown) return;
  throw new OperationError(
    'conflict',
    'the configuration cannot be read, and with it in which time zone windows begin: ' +
      'name the file with -c, or run the command while the gateway runs',
  );
}

function toGrantEvent(grant: NewStoredGrant): Readonly<Record<string, unknown>> {
  const { kind, measure, window, amount, windowStartMs, untilMs } = grant;
  return {
    kind,
    measure,
    window,
    ...amountsOf(measure, amount),
    window_started_at: windowStartMs === null ? null : toIso(windowStartMs),
    until: untilMs === null ? null : toIso(untilMs),
  };
}
