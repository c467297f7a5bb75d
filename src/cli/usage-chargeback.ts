import { type Command, Option } from 'commander';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { PAYERS, type Payer, toChargeback, toChargebackReport } from './chargeback-view.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { parseMonth } from './time-range.ts';
import { type Condition, parseCondition } from './usage-condition.ts';

const EXAMPLE = `Examples:
  llmgate usage chargeback --month 2026-11 -o csv > november.csv
  llmgate usage chargeback --by tenant
`;

const NOTE = `
One line for each payer and model, and a total that is that of "usage" for the
same month. Months are in UTC: 2026-11, this-month, last-month.`;

interface ChargebackFlags extends AccessFlags, OutputOptions {
  readonly month: string;
  readonly by: Payer;
  readonly where?: readonly Condition[];
}

export function addUsageChargebackCommand(usage: Command, io: CliIo, system: SystemParts): void {
  const command = usage
    .command('chargeback')
    .description('what each team, tenant, user or key owes for a month')
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', NOTE)
    .option('--month <month>', 'which month', 'last-month')
    .addOption(new Option('--by <payer>', 'who pays').choices(PAYERS).default('team'))
    .option('--where <dim=value>', 'only these requests; may be repeated', parseCondition);
  addOutputOptions(addAccessOptions(command)).action((flags: ChargebackFlags) =>
    showChargeback(flags, io, system),
  );
}

async function showChargeback(
  flags: ChargebackFlags,
  io: CliIo,
  system: SystemParts,
): Promise<void> {
  const range = parseMonth(flags.month, system.clock.nowMs());
  const request = {
    by: [flags.by, 'model'],
    since: new Date(range.sinceMs).toISOString(),
    until: new Date(range.untilMs).toISOString(),
    where: flags.where ?? [],
  };
  const document = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
    operations.usage(request),
  );
  const chargeback = toChargeback(document, flags.by);
  await printReport(io, flags, toChargebackReport(chargeback));
  if (range.untilMs > system.clock.nowMs()) io.err('The month is not over yet.\n');
}
