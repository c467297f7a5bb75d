import { type Command, InvalidArgumentError, Option } from 'commander';
import { WINDOWS, type Window } from '../core/key.ts';
import type { BudgetMeasure } from '../pricing/budget-rule.ts';
import { parseKeyRef } from './key-flags.ts';
import { findTokens } from './per-window.ts';

export const TARGET_ARGUMENT = 'all, or team/NAME, key/NAME, user/…, tenant/…, model/…';

/** Which of several budgets of a target is meant. */
export interface ChoiceFlags {
  readonly window?: Window;
  readonly measure?: BudgetMeasure;
}

export function addChoiceOptions(command: Command): Command {
  return command
    .addOption(new Option('--window <window>', 'only this budget of several').choices(WINDOWS))
    .addOption(
      new Option('--measure <measure>', 'only this budget of several').choices(['usd', 'tokens']),
    );
}

export function toChoice({ window, measure }: ChoiceFlags): ChoiceFlags {
  return {
    ...(window === undefined ? {} : { window }),
    ...(measure === undefined ? {} : { measure }),
  };
}

/** `team/research`; of the text of a key only its id is used. */
export function parseTarget(text: string): string {
  return text.startsWith('key/') ? `key/${parseKeyRef(text.slice('key/'.length))}` : text;
}

export interface GrantedAmount {
  readonly amount: string;
  /** When the way it is written tells. */
  readonly measure?: BudgetMeasure;
}

/** `50` is dollars or tokens, whatever the budget counts; `$50` and `500k` say which. */
export function parseGranted(text: string): GrantedAmount {
  const [, dollars] = /^\$(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (dollars !== undefined) return { amount: dollars, measure: 'usd' };
  if (/^\d+(?:\.\d+)?$/.test(text)) return { amount: text };
  const tokens = findTokens(text);
  if (tokens !== undefined) return { amount: String(tokens), measure: 'tokens' };
  throw new InvalidArgumentError('Write dollars, such as 50, or tokens, such as 500k.');
}
