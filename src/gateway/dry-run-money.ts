import type { Key } from '../core/key.ts';
import { type NanoUsd, ZERO_USD } from '../core/money.ts';
import type { Price } from '../core/price.ts';
import { NO_USAGE } from '../core/usage.ts';
import { BUDGET_SCOPES, type BudgetScope } from '../pricing/budget-rule.ts';
import type { BudgetStanding } from '../pricing/budgets.ts';
import { costOf } from '../pricing/cost.ts';
import type { Target } from '../routing/model-table.ts';
import type { DrySeen } from './dry-gate.ts';
import type { Exchange } from './exchange.ts';
import { type OutputBound, outputBound } from './output-bound.ts';
import type { Asked } from './reserve.ts';

/** A budget, and whether the hold fits into it now. */
export interface DryBudget {
  readonly standing: BudgetStanding;
  /** What people call the subject. */
  readonly name: string;
  /** Nano-dollars or tokens, by the measure. */
  readonly needed: number;
  readonly fits: boolean;
}

/** What would be set aside. */
export interface DryHold {
  readonly nanoUsd: NanoUsd;
  readonly tokens: number;
  readonly bound: OutputBound;
  readonly choices: number;
  /** Where a backend would be told to stop; null when it need not be told. */
  readonly outputLimit: number | null;
  /** The budgets made the answer shorter. */
  readonly isShrunk: boolean;
  readonly producesText: boolean;
  readonly budgets: readonly DryBudget[];
}

/** What it would cost at one target. Null where that has no price. */
export interface DryCost {
  readonly target: Target;
  readonly inputTokens: number;
  readonly inputNanoUsd: NanoUsd | null;
  /** An answer of the usual length; null where an answer is no text. */
  readonly usual: DryAnswer | null;
  /** The longest answer it may get. */
  readonly longest: DryAnswer;
  /** Micro-dollars for an hour of GPU time, which comes on top; 0 for none. */
  readonly gpuHour: number;
}

export interface DryAnswer {
  readonly outputTokens: number;
  readonly nanoUsd: NanoUsd | null;
}

export function dryHold(exchange: Exchange, asked: Asked, seen: DrySeen): DryHold {
  const { caller, call, model } = asked;
  const bound = outputBound(model, call, caller);
  const { outputLimit } = exchange;
  // Refused, it is the hold for the whole plan that people want to see.
  const tried = exchange.hold === undefined ? seen.firstHold : seen.hold;
  const needed = tried ?? { nanoUsd: ZERO_USD, tokens: 0 };
  const { producesText } = exchange.route.wire;
  return {
    nanoUsd: needed.nanoUsd,
    tokens: needed.tokens,
    bound,
    choices: call.shape.choices,
    outputLimit,
    isShrunk: producesText && outputLimit !== null && outputLimit < bound.tokens,
    producesText,
    budgets: BUDGET_SCOPES.flatMap((per): DryBudget[] => {
      const subject = subjectOf(caller, model.name, per);
      if (subject === null) return [];
      const key = per === 'key' ? caller : undefined;
      return exchange.gate.budgets.standing(per, subject, key).map((standing) => {
        const { limit, spent, held, target } = standing;
        const amount = target.measure === 'usd' ? needed.nanoUsd : needed.tokens;
        const name = per === 'key' ? caller.name : subject;
        return { standing, name, needed: amount, fits: amount <= limit - spent - held };
      });
    }),
  };
}

function subjectOf(key: Key, model: string, per: BudgetScope): string | null {
  switch (per) {
    case 'all':
      return '';
    case 'key':
      return key.id;
    case 'model':
      return model;
    default:
      return key[per];
  }
}

/** At the usual rates, as it would be booked; the hold is for the dearest ones. */
export function dryCost(
  exchange: Exchange,
  { caller, call, model }: Asked,
  target: Target,
  usualOutputTokens: number | null,
): DryCost {
  const { producesText, mediaTokensMax } = exchange.route.wire;
  const { inputTokens, choices } = call.shape;
  const bound = exchange.outputLimit ?? outputBound(model, call, caller).tokens;
  const most = (producesText ? bound : (mediaTokensMax?.(call.shape) ?? 0)) * choices;
  const costWith = (outputTokens: number) => costAt(target.price, inputTokens, outputTokens);
  const usual =
    producesText && usualOutputTokens !== null ? Math.min(usualOutputTokens * choices, most) : null;
  return {
    target,
    inputTokens,
    inputNanoUsd: costWith(0),
    usual: usual === null ? null : { outputTokens: usual, nanoUsd: costWith(usual) },
    longest: { outputTokens: most, nanoUsd: costWith(most) },
    gpuHour: target.price?.gpuHour ?? 0,
  };
}

function costAt(price: Price | null, inputTokens: number, outputTokens: number): NanoUsd | null {
  if (price === null) return null;
  return costOf({ ...NO_USAGE, inputTokens, outputTokens }, price, 0);
}
