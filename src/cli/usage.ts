import { type Command, InvalidArgumentError } from 'commander';
import { addAccessOptions, SYSTEM, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { parseTimeRange } from './time-range.ts';
import { addUsageChargebackCommand } from './usage-chargeback.ts';
import { type Condition, parseCondition } from './usage-condition.ts';
import { toUsageReport } from './usage-view.ts';

const EXAMPLE = `Examples:
  llmgate usage                                     by model, the last 7 days
  llmgate usage --by key,model --since today
  llmgate usage --by day --since 2026-11 --until 2026-11 -o csv
  llmgate usage --by user --where team=search --where model=llama
`;

const WORDS = `
Dimensions: key, user, team, tenant, model, backend, endpoint, outcome, hour,
  day, month, tag:NAME.
Times, in UTC: 7d, 24h, today, yesterday, this-month, last-month, 2026-11,
  2026-11-20, RFC 3339. A day or month is meant whole: --since starts with it,
  --until ends with it. Other times widen to the quarter of an hour.`;

interface UsageFlags extends AccessFlags, OutputOptions {
  readonly by: readonly string[];
  readonly since: string;
  readonly until?: string;
  readonly where?: readonly Condition[];
}

export function addUsageCommand(program: Command, io: CliIo, system: SystemParts = SYSTEM): void {
  // What stands behind the name of a command is that command's own: both have -o and --by.
  const command = program
    .enablePositionalOptions()
    .command('usage')
    .description('requests, tokens and money, grouped as you like')
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText('before', EXAMPLE)
    .addHelpText('after', WORDS)
    .option('--by <dimensions>', 'what to group by, commas between (default: model)', parseBy)
    .option('--since <time>', 'from when', '7d')
    .option('--until <time>', 'until when (default: now)')
    .option('--where <dim=value>', 'only these requests; may be repeated', parseCondition);
  addOutputOptions(addAccessOptions(command)).action((flags: UsageFlags) =>
    showUsage(flags, io, system),
  );
  addUsageChargebackCommand(command, io, system);
}

async function showUsage(flags: UsageFlags, io: CliIo, system: SystemParts): Promise<void> {
  const range = parseTimeRange(flags.since, flags.until, system.clock.nowMs());
  const by = flags.by ?? ['model'];
  const request = {
    by,
    since: new Date(range.sinceMs).toISOString(),
    until: new Date(range.untilMs).toISOString(),
    where: flags.where ?? [],
  };
  const document = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
    operations.usage(request),
  );
  await printReport(io, flags, toUsageReport(document, [...new Set(by)]));
  const { unpriced } = document.total;
  if (unpriced > 0 && flags.output === 'table') {
    const who =
      unpriced === 1 ? '1 request has no price; its' : `${unpriced} requests have no price; their`;
    io.err(`${who} cost is unknown and not in the sum.\n`);
  }
}

function parseBy(text: string): string[] {
  const dimensions = text.split(',').map((name) => name.trim());
  if (dimensions.every((name) => name !== '')) return dimensions;
  throw new InvalidArgumentError('Write dimensions with commas between them, such as key,day.');
}
