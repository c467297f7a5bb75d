import type { Command } from 'commander';
import type { HoldOrder } from '../admin/hold-schemas.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { toHoldReport } from './audit-hold-report.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';

const EXAMPLE = `Examples:
  llmgate audit hold place --user ada --reason "case 7, asked for by legal"
  llmgate audit hold place --all --reason "preservation order of 3 March"
`;

interface PlaceFlags extends AccessFlags, OutputOptions {
  readonly all?: true;
  readonly key?: string;
  readonly user?: string;
  readonly team?: string;
  readonly tenant?: string;
  readonly reason: string;
}

export function addHoldPlaceCommand(hold: Command, io: CliIo, system: SystemParts): void {
  const command = hold
    .command('place')
    .description('keep rows and content of a subject from being purged or erased')
    .addHelpText('before', EXAMPLE)
    .option('--all', 'everything')
    .option('--key <key>', 'what is of this key, by id or name')
    .option('--user <name>', 'what is of this user, whatever key was used')
    .option('--team <name>', 'what is of this team')
    .option('--tenant <name>', 'what is of this tenant')
    .requiredOption('--reason <text>', 'why, for whoever reads the trail');
  addOutputOptions(addAccessOptions(command)).action(async (flags: PlaceFlags) => {
    const order = parseOrder(flags);
    const placed = await withOperations(io, { ...flags, need: 'data', system }, ({ holds }) =>
      holds.place(order),
    );
    await printReport(io, flags, toHoldReport(placed));
  });
}

function parseOrder(flags: PlaceFlags): HoldOrder {
  const { reason } = flags;
  const named: HoldOrder[] = flags.all === true ? [{ scope: 'all', subject: '', reason }] : [];
  for (const scope of ['key', 'user', 'team', 'tenant'] as const) {
    const subject = flags[scope];
    if (subject !== undefined) named.push({ scope, subject, reason });
  }
  const [order] = named;
  if (order !== undefined && named.length === 1) return order;
  throw new CliError('name one of --all, --key, --user, --team and --tenant', EXIT.usage);
}
