import { GateError } from '../core/error.ts';
import type { Window } from '../core/key.ts';
import { type NanoUsd, nanoUsd, toUsdString } from '../core/money.ts';
import type { BudgetRule } from './budget-rule.ts';
import type { Purse } from './purse.ts';
import { windowEndMs } from './window.ts';

/**
 * Why a budget refused, for the caller. A key learns the figures of its own budget; of the shared
 * one only that it is used up: what everybody spends is no business of a single key.
 */
export function quotaRefusal(
  purse: Purse,
  budget: BudgetRule,
  amount: NanoUsd,
  nowMs: number,
): GateError {
  const asked = `This request may cost up to $${toUsdString(amount)}`;
  const why =
    budget.per === 'all'
      ? `more than the budget that all keys share ${PERIODS[budget.window]} can hold`
      : `more than is left of the budget of this key: ${leftOf(purse, budget)}`;
  return new GateError('insufficient_quota', `${asked}, ${why}. ${resetOf(budget.window, nowMs)}`);
}

const PERIODS: Readonly<Record<Window, string>> = {
  hour: 'per hour',
  day: 'per day',
  week: 'per week',
  month: 'per month',
  total: 'in total',
};

function leftOf(purse: Purse, { window, limitNanoUsd }: BudgetRule): string {
  const left = nanoUsd(Math.max(0, limitNanoUsd - purse.committed(window)));
  const held = nanoUsd(purse.held(window));
  const inFlight = held === 0 ? '' : `, $${toUsdString(held)} held for requests in flight`;
  const limit = `$${toUsdString(limitNanoUsd)} ${PERIODS[window]}`;
  return `$${toUsdString(left)} of ${limit}${inFlight}`;
}

function resetOf(window: Window, nowMs: number): string {
  const endMs = windowEndMs(window, nowMs);
  if (!Number.isFinite(endMs)) return 'It does not reset.';
  return `It resets at ${new Date(endMs).toISOString().replace('.000', '')}.`;
}
