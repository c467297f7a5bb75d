import type { Command } from 'commander';
import { addAccessOptions, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Example:
  llmgate validate && llmgate reload
`;

/** Ends with 78 when the file cannot be used; the gateway then goes on with what it has. */
export function addReloadCommand(program: Command, io: CliIo): void {
  const command = program
    .command('reload')
    .description('make the running gateway read its configuration again')
    .addHelpText('before', EXAMPLE);
  addOutputOptions(addAccessOptions(command)).action(async (flags: AccessFlags & OutputOptions) => {
    const result = await withOperations(io, { ...flags, need: 'gateway' }, (operations) =>
      operations.reload(),
    );
    const human = result.ok ? `configuration ${result.generation} is in use\n` : '';
    await printReport(io, flags, { document: result, rows: [result], human });
    if (result.ok) return;
    throw new CliError(
      `the configuration was not changed\n${result.problems.split('\n').map(toVisibleText).join('\n')}`,
      EXIT.config,
    );
  });
}
