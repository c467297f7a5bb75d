import type { Command } from 'commander';
import { ERASE_SCOPES, type EraseOrder, type EraseResult } from '../admin/content-schemas.ts';
import type { Operations } from '../admin/operations.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate audit erase --user ada --dry-run   how much there is
  llmgate audit erase --user ada             asks first; there is no way back
`;

interface EraseFlags extends AccessFlags, OutputOptions {
  readonly key?: string;
  readonly user?: string;
  readonly team?: string;
  readonly tenant?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** Destroys the keys to all captured content of a subject. The rows of its requests stay. */
export function addAuditEraseCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('erase')
    .description('make all captured content of a subject unreadable, for good')
    .addHelpText('before', EXAMPLE)
    .option('--user <name>', 'of this user, whatever key was used')
    .option('--key <key>', 'of this key, by id or name')
    .option('--team <name>', 'of this team')
    .option('--tenant <name>', 'of this tenant')
    .option('--dry-run', 'say how much there is, erase nothing')
    .option('--yes', 'do not ask');
  addOutputOptions(addAccessOptions(command)).action(async (flags: EraseFlags) => {
    const order = parseOrder(flags);
    const result = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      erase(io, operations, order, flags),
    );
    await printReport(io, flags, toReport(result));
  });
}

function parseOrder(flags: EraseFlags): EraseOrder {
  const named = ERASE_SCOPES.flatMap((scope) => {
    const subject = flags[scope];
    return subject === undefined ? [] : [{ scope, subject }];
  });
  const [order] = named;
  if (order !== undefined && named.length === 1) return order;
  throw new CliError('name one of --user, --key, --team and --tenant', EXIT.usage);
}

async function erase(
  io: CliIo,
  { content }: Operations,
  order: EraseOrder,
  { dryRun, yes }: EraseFlags,
): Promise<EraseResult> {
  if (dryRun === true || yes !== true) {
    const found = await content.erase({ ...order, dry_run: true });
    if (dryRun === true) return found;
    await confirm(io, `Erase ${describe(found)} for good?`);
  }
  return await content.erase(order);
}

function describe({ scope, subject, requests }: EraseResult): string {
  const counted = `${requests} ${requests === 1 ? 'request' : 'requests'}`;
  return `the content of ${counted} of ${scope} ${subject}`;
}

async function confirm(io: CliIo, question: string): Promise<void> {
  if (io.ask === undefined) {
    throw new CliError('nobody is there to ask', EXIT.usage, 'Add --yes to erase without asking.');
  }
  const answer = await io.ask(`${toVisibleText(question)} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was erased');
}

function toReport(result: EraseResult): Report {
  return {
    document: result,
    rows: [result],
    human: renderFields([
      [result.scope, result.subject],
      [result.dry_run ? 'would erase' : 'erased', `content of ${result.requests} requests`],
      ['keys', `${result.data_keys} ${result.dry_run ? 'to be destroyed' : 'destroyed'}`],
    ]),
  };
}
