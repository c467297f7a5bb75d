import { nanoUsd, toUsdString } from '../core/money.ts';
import type { ActiveBudget } from '../pricing/budget-resolver.ts';
import type { BudgetMeasure, BudgetRule } from '../pricing/budget-rule.ts';
import type { BudgetGrant } from '../pricing/budget-target.ts';
import type { BudgetStanding } from '../pricing/budgets.ts';
import { renderBudgetRef } from './budget-ref.ts';
import type { BudgetView, GrantView } from './budget-schemas.ts';
import { toIso } from './key-view.ts';

/** One budget of one purse. `name` is what people call the subject. */
export function toBudgetView(standing: BudgetStanding, name: string): BudgetView {
  const { target, rule, limit, spent, held, resetsAtMs, windowStartMs } = standing;
  const { per, subject } = target;
  const remaining = Math.max(0, limit - spent - held);
  return {
    ...sharedFields(rule, standing.source),
    target: renderBudgetRef(per, subject),
    subject: per === 'all' ? null : subject,
    name: per === 'all' ? null : name,
    ...figures(rule, { limit, spent, held, remaining }),
    window_started_at: rule.window === 'total' ? null : toIso(windowStartMs),
    resets_at: resetsAtMs === null ? null : toIso(resetsAtMs),
    grants: standing.grants.map(toGrantView),
  };
}

/** A budget that is made for a pattern: each subject that matches has its own purse. */
export function toPatternView({ rule, source }: ActiveBudget): BudgetView {
  const pattern = rule.name ?? '*';
  return {
    ...sharedFields(rule, source),
    target: renderBudgetRef(rule.per, pattern),
    subject: pattern,
    name: pattern,
    ...figures(rule, { limit: rule.limit, spent: null, held: null, remaining: null }),
    window_started_at: null,
    resets_at: null,
    grants: [],
  };
}

function sharedFields(rule: BudgetRule, source: ActiveBudget['source']) {
  return {
    per: rule.per,
    measure: rule.measure,
    window: rule.window,
    source,
    on_exceed: rule.onExceed,
    alert_at_percent: [...rule.alertAt],
  };
}

interface Figures {
  readonly limit: number;
  readonly spent: number | null;
  readonly held: number | null;
  readonly remaining: number | null;
}

/** The figures of one measure, and null for those of the other. */
function figures({ measure, limit: base }: BudgetRule, all: Figures) {
  const { limit, spent, held, remaining } = all;
  const usd = (amount: number | null) => amountsOf(measure, amount).amount_usd;
  const tokens = (amount: number | null) => amountsOf(measure, amount).amount_tokens;
  return {
    base_limit_usd: usd(base),
    limit_usd: usd(limit),
    spent_usd: usd(spent),
    held_usd: usd(held),
    remaining_usd: usd(remaining),
    base_limit_tokens: tokens(base),
    limit_tokens: tokens(limit),
    spent_tokens: tokens(spent),
    held_tokens: tokens(held),
    remaining_tokens: tokens(remaining),
  };
}

function toGrantView({ kind, measure, amount, createdAtMs, untilMs }: BudgetGrant): GrantView {
  return {
    kind,
    ...amountsOf(measure, amount),
    created_at: toIso(createdAtMs),
    until: untilMs === null ? null : toIso(untilMs),
  };
}

/** An amount under the name that says what it counts. */
export function amountsOf(
  measure: BudgetMeasure,
  amount: number | null,
): { amount_usd: string | null; amount_tokens: number | null } {
  if (amount === null) return { amount_usd: null, amount_tokens: null };
  // With grants on top, a limit may be more than can be counted; spending never is.
  const counted = Math.min(amount, Number.MAX_SAFE_INTEGER);
  return measure === 'usd'
    ? { amount_usd: toUsdString(nanoUsd(counted)), amount_tokens: null }
    : { amount_usd: null, amount_tokens: counted };
}
