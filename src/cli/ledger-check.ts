import type { Command } from 'commander';
import type { LedgerCheckView } from '../admin/books-schemas.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';

const EXAMPLE = `Example:
  llmgate ledger check && echo the books agree
`;

/** Ends with 1 when the books do not agree, so that a script can watch them. */
export function addLedgerCheckCommand(ledger: Command, io: CliIo, system: SystemParts): void {
  const check = ledger
    .command('check')
    .description('recompute every sum from the rows and compare; exit 1 when one differs')
    .addHelpText('before', EXAMPLE);
  addOutputOptions(addAccessOptions(check)).action(async (flags: AccessFlags & OutputOptions) => {
    const found = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      operations.checkLedger(),
    );
    await printReport(io, flags, toReport(found));
    if (found.ok) return;
    io.setExitCode(EXIT.failed);
    if (flags.output === 'table' && found.problems.some(isOfSums)) {
      io.err('Sums are put right by "llmgate ledger rebuild"; rows are never changed.\n');
    }
  });
}

function isOfSums(problem: string): boolean {
  return problem.startsWith('The sums ');
}

function toReport(found: LedgerCheckView): Report {
  const { problems } = found;
  return {
    document: found,
    rows: [{ ...found, problems: problems.join(' ') }],
    human: renderFields([
      ['result', found.ok ? 'all agree' : countOf(problems.length, 'problem')],
      ['requests', String(found.requests)],
      ['open', String(found.open)],
      ['cost', `$${found.cost_usd}`],
      ['estimated', `${countOf(found.estimated, 'request')}, $${found.estimated_cost_usd}`],
      ...problems.map((problem): [string, string] => ['problem', problem]),
    ]),
  };
}

/** `1 request`, `2 requests`. */
export function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
