import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { KEY_ARGUMENT, parseKeyRef } from './key-flags.ts';
import { toKeyReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate keys show alice
  llmgate keys show sk-lg-4fWq0TzLmN8x-      (whose key is this?)
`;

export function addKeysShowCommand(keys: Command, io: CliIo, system: SystemParts): void {
  const command = keys
    .command('show')
    .description('one key and what it may do')
    .addHelpText('before', EXAMPLE)
    .argument('<key>', KEY_ARGUMENT, parseKeyRef);
  addOutputOptions(addAccessOptions(command)).action(
    async (ref: string, flags: AccessFlags & OutputOptions) => {
      const key = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
        operations.keys.show(ref),
      );
      await printReport(io, flags, toKeyReport(key));
    },
  );
}
