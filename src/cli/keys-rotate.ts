import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { KEY_ARGUMENT, parseKeyRef, parseOverlap } from './key-flags.ts';
import { toIssuedKeyReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate keys rotate alice                the old secret works for another day
  llmgate keys rotate alice --overlap 0    it stops working now
`;

const DAY_SECONDS = 86_400;

interface RotateFlags extends AccessFlags, OutputOptions {
  readonly overlap: number;
  readonly quiet?: true;
}

export function addKeysRotateCommand(keys: Command, io: CliIo, system: SystemParts): void {
  const command = keys
    .command('rotate')
    .description('a new secret for a key; id, limits and history stay')
    .addHelpText('before', EXAMPLE)
    .argument('<key>', KEY_ARGUMENT, parseKeyRef)
    .option('--overlap <duration>', 'how long old secrets still work (default: 24h)', parseOverlap)
    .option('--quiet', 'print the key and nothing else');
  addOutputOptions(addAccessOptions(command)).action(async (ref: string, flags: RotateFlags) => {
    const rotation = { overlap_seconds: flags.overlap ?? DAY_SECONDS };
    const issued = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      operations.keys.rotate(ref, rotation),
    );
    if (flags.quiet === true) return io.out(`${issued.key}\n`);
    await printReport(io, flags, toIssuedKeyReport(issued));
    if (flags.output === 'table') io.err('Store the key now: it is not shown again.\n');
  });
}
