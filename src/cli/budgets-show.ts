import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { parseTarget, TARGET_ARGUMENT } from './budget-flags.ts';
import { printBudgets } from './budget-report.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions } from './output.ts';

const EXAMPLE = `Examples:
  llmgate budgets show team/research
  llmgate budgets show key/alice --json
`;

export function addBudgetsShowCommand(budgets: Command, io: CliIo, system: SystemParts): void {
  const command = budgets
    .command('show')
    .description('every budget that applies to one target')
    .addHelpText('before', EXAMPLE)
    .argument('<target>', TARGET_ARGUMENT, parseTarget);
  addOutputOptions(addAccessOptions(command)).action(
    async (target: string, flags: AccessFlags & OutputOptions) => {
      const found = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
        operations.budgets.show(target),
      );
      await printBudgets(io, flags, found, '');
    },
  );
}
