import type { Command } from 'commander';
import type { LedgerCheckView } from '../admin/books-schemas.ts';
import { addAccessOptions, SYSTEM, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';

const EXAMPLE = `Example:
  llmgate ledger check && echo the books agree
`;

/** `ledger check` ends with 1 when the books do not agree, so that a script can watch them. */
export function addLedgerCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  const ledger = program
    .command('ledger')
    .description('prove that the books are right')
    .addHelpText('before', EXAMPLE);
  const check = ledger
    .command('check')
    .description('recompute every sum from the rows and compare; exit 1 when one differs')
    .addHelpText('before', EXAMPLE);
  addOutputOptions(addAccessOptions(check)).action(async (flags: AccessFlags & OutputOptions) => {
    const found = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      operations.checkLedger(),
    );
    await printReport(io, flags, toReport(found));
    if (!found.ok) io.setExitCode(EXIT.failed);
  });
}

function toReport(found: LedgerCheckView): Report {
  const { problems } = found;
  return {
    document: found,
    rows: [{ ...found, problems: problems.join(' ') }],
    human: renderFields([
      [
        'result',
        found.ok
          ? 'all agree'
          : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
      ],
      ['requests', String(found.requests)],
      ['open', String(found.open)],
      ['estimated', String(found.estimated)],
      ['cost', `$${found.cost_usd}`],
      ...problems.map((problem): [string, string] => ['problem', problem]),
    ]),
  };
}
