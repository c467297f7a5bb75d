import type { Command } from 'commander';
import type { LedgerRebuildView } from '../admin/books-schemas.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { countOf } from './ledger-check.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';

const EXAMPLE = `Example:
  llmgate ledger rebuild
`;

const NOTE = `
Rows are never changed. It may run while the gateway serves, and may be stopped
at any moment: a sum is always either what it was or right. "ledger check" after
it tells whether anything is wrong with the rows themselves.`;

/** Ends with 1 when counters of the running gateway do not agree with the rows after it. */
export function addLedgerRebuildCommand(ledger: Command, io: CliIo, system: SystemParts): void {
  const rebuild = ledger
    .command('rebuild')
    .description('sum every request anew and put right the sums that are wrong')
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', NOTE);
  addOutputOptions(addAccessOptions(rebuild)).action(async (flags: AccessFlags & OutputOptions) => {
    const done = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      operations.rebuildLedger(),
    );
    await printReport(io, flags, toReport(done));
    if (done.problems.length > 0) io.setExitCode(EXIT.failed);
  });
}

function toReport(done: LedgerRebuildView): Report {
  const { requests, corrected_sums: corrected, problems } = done;
  return {
    document: done,
    rows: [{ ...done, problems: problems.join(' ') }],
    human: renderFields([
      [
        'result',
        corrected === 0 ? 'every sum was right' : `${countOf(corrected, 'sum')} put right`,
      ],
      ['requests', String(requests)],
      ...problems.map((problem): [string, string] => ['problem', problem]),
    ]),
  };
}
