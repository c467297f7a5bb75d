import type { Command } from 'commander';
import { SYSTEM, type SystemParts } from './admin-access.ts';
import { addBudgetsListCommand } from './budgets-list.ts';
import { addBudgetsResetCommand } from './budgets-reset.ts';
import { addBudgetsSetCommand } from './budgets-set.ts';
import { addBudgetsShowCommand } from './budgets-show.ts';
import type { CliIo } from './io.ts';

const EXAMPLE = `Examples:
  llmgate budgets list
  llmgate budgets set team/research --usd 500/month
  llmgate budgets reset key/alice
`;

/** `system` is given by tests alone. */
export function addBudgetsCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const budgets = program
    .command('budgets')
    .description('what may be spent, by whom, and what is left of it')
    .addHelpText('before', EXAMPLE);
  addBudgetsListCommand(budgets, io, system);
  addBudgetsShowCommand(budgets, io, system);
  addBudgetsSetCommand(budgets, io, system);
  addBudgetsResetCommand(budgets, io, system);
}
