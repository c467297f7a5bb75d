import type { Command } from 'commander';
import { SYSTEM, type SystemParts } from './admin-access.ts';
import type { CliIo } from './io.ts';
import { addLedgerCheckCommand } from './ledger-check.ts';
import { addLedgerRebuildCommand } from './ledger-rebuild.ts';

const EXAMPLE = `Examples:
  llmgate ledger check && echo the books agree
  llmgate ledger rebuild
`;

/** `system` is given by tests alone. */
export function addLedgerCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const ledger = program
    .command('ledger')
    .description('prove that the books are right, and put their sums right')
    .addHelpText('before', EXAMPLE);
  addLedgerCheckCommand(ledger, io, system);
  addLedgerRebuildCommand(ledger, io, system);
}
