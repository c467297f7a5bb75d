import type { Command } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { KEY_ARGUMENT, parseKeyRef } from './key-flags.ts';
import { toKeyReport } from './key-report.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate keys revoke alice                  asks first; there is no way back
  llmgate keys revoke alice --yes
`;

interface RevokeFlags extends AccessFlags, OutputOptions {
  readonly yes?: true;
}

export function addKeysRevokeCommand(keys: Command, io: CliIo, system: SystemParts): void {
  const command = keys
    .command('revoke')
    .description('end a key for good; its name is free again, its usage stays')
    .addHelpText('before', EXAMPLE)
    .argument('<key>', KEY_ARGUMENT, parseKeyRef)
    .option('--yes', 'do not ask');
  addOutputOptions(addAccessOptions(command)).action(async (ref: string, flags: RevokeFlags) => {
    const key = await withOperations(io, { ...flags, need: 'data', system }, async ({ keys }) => {
      const { id, name } = await keys.show(ref);
      if (flags.yes !== true) await confirm(io, `Revoke key "${name}" (${id}) for good?`);
      // By id: the name may have moved to another key while a person was thinking.
      return keys.revoke(id);
    });
    await printReport(io, flags, toKeyReport(key));
  });
}

async function confirm(io: CliIo, question: string): Promise<void> {
  if (io.ask === undefined) {
    throw new CliError('nobody is there to ask', EXIT.usage, 'Add --yes to revoke without asking.');
  }
  const answer = await io.ask(`${toVisibleText(question)} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was revoked');
}
