import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { type KeyFlags, toKeyChanges } from './key-flags.ts';
import { addKeyOptions } from './key-options.ts';
import { toIssuedKeyReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate keys create --name alice
  llmgate keys create --name ci --models 'llama-*' --expires 90d
  KEY=$(llmgate keys create --name bot --quiet)
`;

interface CreateFlags extends KeyFlags, AccessFlags, OutputOptions {
  readonly name: string;
  readonly quiet?: true;
}

export function addKeysCreateCommand(keys: Command, io: CliIo, system: SystemParts): void {
  const command = keys
    .command('create')
    .description('make a key; it is printed this once')
    .addHelpText('before', EXAMPLE)
    .requiredOption('--name <name>', 'what people call it');
  addKeyOptions(command).option('--quiet', 'print the key and nothing else');
  addOutputOptions(addAccessOptions(command)).action((flags: CreateFlags) =>
    createKey(flags, io, system),
  );
}

async function createKey(flags: CreateFlags, io: CliIo, system: SystemParts): Promise<void> {
  const input = { ...toKeyChanges(flags, system.clock.nowMs()), name: flags.name };
  const issued = await withOperations(io, { ...flags, need: 'new_data', system }, ({ keys }) =>
    keys.create(input),
  );
  if (flags.quiet === true) return io.out(`${issued.key}\n`);
  await printReport(io, flags, toIssuedKeyReport(issued));
  if (flags.output === 'table') io.err('Store the key now: it is not shown again.\n');
}
