import type { Command } from 'commander';
import type { BudgetOperations } from '../admin/budget-operations.ts';
import type { BudgetList } from '../admin/budget-schemas.ts';
import type { Window } from '../core/key.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import {
  addChoiceOptions,
  type ChoiceFlags,
  type GrantedAmount,
  parseGranted,
  parseTarget,
  TARGET_ARGUMENT,
  toChoice,
} from './budget-flags.ts';
import { printBudgets } from './budget-report.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { parseExpiry } from './key-flags.ts';
import { addOutputOptions, type OutputOptions } from './output.ts';
import { parseTokensPerWindow, parseUsdPerWindow } from './per-window.ts';

const EXAMPLE = `Examples:
  llmgate budgets set team/research --usd 500/month
  llmgate budgets set user/ada --tokens 1000000/day
  llmgate budgets set team/research --remove       back to what the file says
  llmgate budgets set team/research --top-up 50    more in this window alone
  llmgate budgets set all --raise 500 --until 2026-12-01
`;

const NOTE = `
A budget that is set takes the place of what the configuration says for the same
target, measure and window. Top-ups and raises work on any budget.`;

interface SetFlags extends AccessFlags, OutputOptions, ChoiceFlags {
  readonly usd?: { readonly amount: string; readonly window: Window };
  readonly tokens?: { readonly amount: number; readonly window: Window };
  readonly remove?: true;
  readonly topUp?: GrantedAmount;
  readonly raise?: GrantedAmount;
  readonly until?: ReturnType<typeof parseExpiry>;
}

export function addBudgetsSetCommand(budgets: Command, io: CliIo, system: SystemParts): void {
  const command = budgets
    .command('set')
    .description('make, change, remove, top up or raise a budget')
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', NOTE)
    .argument('<target>', `${TARGET_ARGUMENT}; * in a name is a pattern`, parseTarget)
    .option('--usd <usd/window>', 'dollars per hour, day, week, month or total', parseUsdPerWindow)
    .option('--tokens <n/window>', 'input and output tokens', parseTokensPerWindow)
    .option('--remove', 'take away what was set')
    .option('--top-up <amount>', 'add to the limit of the window that runs', parseGranted)
    .option('--raise <amount>', 'add to the limit of every window', parseGranted)
    .option('--until <when>', 'when a raise ends: 7d from now, or a day', parseExpiry);
  addOutputOptions(addAccessOptions(addChoiceOptions(command))).action(
    async (target: string, flags: SetFlags) => {
      const change = toChange(flags, system.clock.nowMs());
      const found = await withOperations(io, { ...flags, need: 'new_data', system }, (operations) =>
        change(operations.budgets, target),
      );
      await printBudgets(io, flags, found, 'No budget applies any more.');
    },
  );
}

type Change = (budgets: BudgetOperations, target: string) => Promise<BudgetList>;

/** The one thing that the flags ask for. Throws CliError for none and for several. */
function toChange(flags: SetFlags, nowMs: number): Change {
  const { usd, tokens, remove, topUp, raise, until } = flags;
  const isSet = usd !== undefined || tokens !== undefined;
  const asked = [isSet, remove !== undefined, topUp !== undefined, raise !== undefined];
  if (asked.filter(Boolean).length !== 1) {
    throw new CliError(
      asked.includes(true) ? 'one change at a time' : 'nothing to change',
      EXIT.usage,
      'Give --usd, --tokens or both, or one of --remove, --top-up and --raise.',
    );
  }
  if ((raise !== undefined) !== (until !== undefined)) {
    throw new CliError('--raise and --until go together', EXIT.usage);
  }
  if (isSet) return (budgets, target) => budgets.set(target, toSetting(flags));
  if (remove === true) return (budgets, target) => budgets.remove(target, toChoice(flags));
  const { amount, measure } = topUp ?? raise ?? { amount: '' };
  if (measure !== undefined && measure !== (flags.measure ?? measure)) {
    throw new CliError(`${amount} is an amount of ${measure}, not ${flags.measure}`, EXIT.usage);
  }
  const choice = toChoice(measure === undefined ? flags : { ...flags, measure });
  if (topUp !== undefined) {
    return (budgets, target) => budgets.grant(target, { kind: 'top_up', amount, ...choice });
  }
  const end = toIso(until, nowMs);
  return (budgets, target) =>
    budgets.grant(target, { kind: 'raise', amount, until: end, ...choice });
}

function toSetting({ usd, tokens }: SetFlags): Parameters<BudgetOperations['set']>[1] {
  return {
    ...(usd === undefined ? {} : { usd: { limit_usd: usd.amount, window: usd.window } }),
    ...(tokens === undefined
      ? {}
      : { tokens: { limit_tokens: tokens.amount, window: tokens.window } }),
  };
}

function toIso(until: SetFlags['until'], nowMs: number): string {
  if (typeof until !== 'object') {
    throw new CliError('a raise has an end', EXIT.usage, 'A budget for good is set with --usd.');
  }
  return new Date('inMs' in until ? nowMs + until.inMs : until.atMs).toISOString();
}
