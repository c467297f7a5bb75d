import type { Command } from 'commander';
import type { HoldView } from '../admin/hold-schemas.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { describeCover } from './audit-hold-report.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { NOTHING } from './table.ts';

const EXAMPLE = `Examples:
  llmgate audit hold list
  llmgate audit hold list --released --json
`;

interface ListFlags extends AccessFlags, OutputOptions {
  readonly released?: true;
}

export function addHoldListCommand(hold: Command, io: CliIo, system: SystemParts): void {
  const command = hold
    .command('list')
    .description('legal holds, newest first')
    .addHelpText('before', EXAMPLE)
    .option('--released', 'those that were released too');
  addOutputOptions(addAccessOptions(command)).action(async (flags: ListFlags) => {
    const all = await withOperations(io, { ...flags, need: 'data', system }, ({ holds }) =>
      holds.list(),
    );
    const shown = all.filter((one) => flags.released === true || one.released_at === null);
    await printReport(io, flags, toReport(shown));
  });
}

function toReport(holds: readonly HoldView[]): Report {
  return {
    document: { holds },
    rows: holds,
    columns: ['id', 'scope', 'subject', 'reason', 'placed_at', 'released_at'],
    human: {
      columns: [
        { title: 'ID', align: 'right' },
        { title: 'COVERS', whole: true },
        { title: 'PLACED', whole: true },
        { title: 'RELEASED', whole: true, optional: true },
        { title: 'REASON' },
      ],
      rows: holds.map((one) => [
        String(one.id),
        describeCover(one),
        one.placed_at,
        one.released_at ?? NOTHING,
        one.reason,
      ]),
    },
    emptyHint: 'Nothing is held: "llmgate audit hold place --help" says how to.',
  };
}
