import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { KEY_ARGUMENT, type KeyFlags, parseKeyRef, toKeyChanges } from './key-flags.ts';
import { addKeyOptions } from './key-options.ts';
import { toKeyReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate keys update alice --rpm 120 --budget 50/month
  llmgate keys update alice --models none            all models again
  llmgate keys update alice --tag cost=42 --tag old=    set one, drop one
`;

interface UpdateFlags extends KeyFlags, AccessFlags, OutputOptions {
  readonly name?: string;
}

export function addKeysUpdateCommand(keys: Command, io: CliIo, system: SystemParts): void {
  const command = keys
    .command('update')
    .description('change a key; "none" clears a field, what is not named stays')
    .addHelpText('before', EXAMPLE)
    .argument('<key>', KEY_ARGUMENT, parseKeyRef)
    .option('--name <name>', 'a new name');
  addOutputOptions(addAccessOptions(addKeyOptions(command))).action(
    (ref: string, flags: UpdateFlags) => updateKey(ref, { flags, io, system }),
  );
}

interface Update {
  readonly flags: UpdateFlags;
  readonly io: CliIo;
  readonly system: SystemParts;
}

async function updateKey(ref: string, { flags, io, system }: Update): Promise<void> {
  const changes = { ...toKeyChanges(flags, system.clock.nowMs()), name: flags.name };
  // JSON drops what is undefined: what is left is what was asked for.
  if (JSON.stringify(changes) === '{"limits":{}}') {
    throw new CliError(
      'nothing to change',
      EXIT.usage,
      'Name a field, such as --rpm 120; "llmgate keys update --help" lists them.',
    );
  }
  const key = await withOperations(io, { ...flags, need: 'data', system }, ({ keys }) =>
    keys.update(ref, changes),
  );
  await printReport(io, flags, toKeyReport(key));
}
