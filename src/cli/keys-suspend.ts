import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { KEY_ARGUMENT, parseKeyRef } from './key-flags.ts';
import { toKeyReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const SUSPEND_EXAMPLE = `Example:
  llmgate keys suspend alice               refused from now on; resume undoes it
`;

const RESUME_EXAMPLE = `Example:
  llmgate keys resume alice
`;

/** The pair that can be undone: `suspend` and `resume`. */
export function addKeysSuspendCommands(keys: Command, io: CliIo, system: SystemParts): void {
  const suspend = keys
    .command('suspend')
    .description('refuse a key until it is resumed')
    .addHelpText('before', SUSPEND_EXAMPLE);
  const resume = keys
    .command('resume')
    .description('let a suspended key in again')
    .addHelpText('before', RESUME_EXAMPLE);
  for (const [verb, command] of [
    ['suspend', suspend],
    ['resume', resume],
  ] as const) {
    command.argument('<key>', KEY_ARGUMENT, parseKeyRef);
    addOutputOptions(addAccessOptions(command)).action(
      async (ref: string, flags: AccessFlags & OutputOptions) => {
        const key = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
          operations.keys[verb](ref),
        );
        await printReport(io, flags, toKeyReport(key));
      },
    );
  }
}
