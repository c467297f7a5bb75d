import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import {
  addChoiceOptions,
  type ChoiceFlags,
  parseTarget,
  TARGET_ARGUMENT,
  toChoice,
} from './budget-flags.ts';
import { printBudgets } from './budget-report.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions } from './output.ts';

const EXAMPLE = `Examples:
  llmgate budgets reset key/alice                   every budget of it
  llmgate budgets reset team/research --window day
`;

const NOTE = `
The books forget nothing: what was spent stays in usage. It no longer counts
against the budget in the window that runs.`;

export function addBudgetsResetCommand(budgets: Command, io: CliIo, system: SystemParts): void {
  const command = budgets
    .command('reset')
    .description('begin the running windows of a target anew, with nothing spent')
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', NOTE)
    .argument('<target>', TARGET_ARGUMENT, parseTarget);
  addOutputOptions(addAccessOptions(addChoiceOptions(command))).action(
    async (target: string, flags: AccessFlags & OutputOptions & ChoiceFlags) => {
      const found = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
        operations.budgets.reset(target, toChoice(flags)),
      );
      await printBudgets(io, flags, found, '');
    },
  );
}
