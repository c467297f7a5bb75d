import { GateError } from '../core/error.ts';
import type { Window } from '../core/key.ts';
import { nanoUsd, toUsdString } from '../core/money.ts';
import type { BudgetMeasure, BudgetScope } from './budget-rule.ts';
import type { BudgetTarget } from './budget-target.ts';

/** The budget that refuses, as it stands. */
export interface Refusal {
  readonly target: BudgetTarget;
  /** What the request may take; nano-dollars or tokens, like the rest. */
  readonly amount: number;
  /** With what was granted on top. */
  readonly limit: number;
  readonly left: number;
  readonly held: number;
  /** `Infinity` when it never resets. */
  readonly resetsAtMs: number;
}

/**
 * Why a budget refused, for the caller. A key learns the figures of its own budget; of a shared
 * one only that it is used up: what others spend is no business of a single key.
 */
export function quotaRefusal(refusal: Refusal): GateError {
  const { target, amount } = refusal;
  const asked =
    target.measure === 'usd'
      ? `This request may cost up to ${render(amount, 'usd')}`
      : `This request may use up to ${render(amount, 'tokens')}`;
  const why =
    target.per === 'key'
      ? `more than is left of the ${nameOf(target)}: ${leftOf(refusal)}`
      : `more than the ${nameOf(target)} ${PERIODS[target.window]} can hold`;
  return new GateError('insufficient_quota', `${asked}, ${why}. ${resetOf(refusal)} ${ADVICE}`);
}

const ADVICE = 'A lower max_tokens asks for less; the operator can raise the budget.';

const PERIODS: Readonly<Record<Window, string>> = {
  hour: 'per hour',
  day: 'per day',
  week: 'per week',
  month: 'per month',
  total: 'in total',
};

const OWNERS: Readonly<Record<BudgetScope, (subject: string) => string>> = {
  all: () => 'that all keys share',
  tenant: (subject) => `of tenant "${subject}"`,
  team: (subject) => `of team "${subject}"`,
  user: (subject) => `of user "${subject}"`,
  key: () => 'of this key',
  model: (subject) => `of model "${subject}"`,
};

function nameOf({ per, subject, measure }: BudgetTarget): string {
  return `${measure === 'usd' ? 'budget' : 'token budget'} ${OWNERS[per](subject)}`;
}

function leftOf({ target: { measure, window }, limit, left, held }: Refusal): string {
  const inFlight = held === 0 ? '' : `, ${render(held, measure)} held for requests in flight`;
  const ofLimit = `${render(limit, measure)} ${PERIODS[window]}`;
  return `${renderNumber(Math.max(0, left), measure)} of ${ofLimit}${inFlight}`;
}

function render(amount: number, measure: BudgetMeasure): string {
  return measure === 'usd' ? renderNumber(amount, measure) : `${amount} tokens`;
}

function renderNumber(amount: number, measure: BudgetMeasure): string {
  if (measure === 'tokens') return String(amount);
  return `$${toUsdString(nanoUsd(Math.min(amount, Number.MAX_SAFE_INTEGER)))}`;
}

function resetOf({ resetsAtMs }: Refusal): string {
  if (!Number.isFinite(resetsAtMs)) return 'It does not reset.';
  return `It resets at ${new Date(resetsAtMs).toISOString().replace('.000', '')}.`;
}
