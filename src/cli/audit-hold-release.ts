import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { toHoldReport } from './audit-hold-report.ts';
import { parseCount } from './audit-list.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Example:
  llmgate audit hold release 1 --reason "case 7 is closed"
`;

interface ReleaseFlags extends AccessFlags, OutputOptions {
  readonly reason: string;
}

export function addHoldReleaseCommand(hold: Command, io: CliIo, system: SystemParts): void {
  const command = hold
    .command('release')
    .description('end a legal hold; what is past its retention goes with the next purge')
    .addHelpText('before', EXAMPLE)
    .argument('<id>', 'number of the hold, as in "audit hold list"', parseCount)
    .requiredOption('--reason <text>', 'why, for whoever reads the trail');
  addOutputOptions(addAccessOptions(command)).action(async (id: number, flags: ReleaseFlags) => {
    const released = await withOperations(io, { ...flags, need: 'data', system }, ({ holds }) =>
      holds.release(id, { reason: flags.reason }),
    );
    await printReport(io, flags, toHoldReport(released));
  });
}
