import { type Command, InvalidArgumentError, Option } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { CHAIN_WORDS, type ChainWord, toChainName } from './audit-chain.ts';
import { toAuditEntryReport } from './audit-report.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate audit show 17                                     an event
  llmgate audit show 17 --chain requests
  llmgate audit show 019a9f3c-1f5e-7c2a-9b1d-0a1b2c3d4e5f   a request
`;

interface ShowFlags extends AccessFlags, OutputOptions {
  readonly chain: ChainWord;
}

export function addAuditShowCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('show')
    .description('one row with its hash, and whether the two fit')
    .addHelpText('before', EXAMPLE)
    .argument('<row>', 'the number of a row, or the id of a request', parseRow)
    .addOption(
      new Option('--chain <chain>', 'which chain a number is of')
        .choices(CHAIN_WORDS)
        .default('admin'),
    );
  addOutputOptions(addAccessOptions(command)).action(async (row: string, flags: ShowFlags) => {
    const ref = /^\d{1,15}$/.test(row)
      ? { chain: toChainName(flags.chain), seq: Number(row) }
      : { requestId: row };
    const entry = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      operations.audit.show(ref),
    );
    await printReport(io, flags, toAuditEntryReport(entry));
    if (entry.intact === false) io.setExitCode(1);
  });
}

function parseRow(text: string): string {
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  if (/^[\da-f]{8}-?(?:[\da-f]{4}-?){3}[\da-f]{12}$/i.test(text)) return text;
  throw new InvalidArgumentError('Write the number of a row or the id of a request.');
}
