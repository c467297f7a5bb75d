import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AuditRow } from '../admin/audit-schemas.ts';
import type { AuditOperations, AuditPageRequest } from '../admin/operations.ts';
import { addAccessOptions, type SystemParts, withOperations } from './admin-access.ts';
import { CHAIN_WORDS, type ChainWord, toChainName } from './audit-chain.ts';
import { toAuditListReport } from './audit-report.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport } from './output.ts';
import { parseTimeRange } from './time-range.ts';

const EXAMPLE = `Examples:
  llmgate audit list
  llmgate audit list --action 'key.*' --since 2026-11
  llmgate audit list --chain requests --key alice --limit 200
`;

const PAGE_ROWS = 500;

interface ListFlags extends AccessFlags, OutputOptions {
  readonly chain: ChainWord;
  readonly since?: string;
  readonly until?: string;
  readonly key?: string;
  readonly action?: string;
  readonly oldest?: true;
  readonly after?: number;
  readonly limit: number;
}

export function addAuditListCommand(audit: Command, io: CliIo, system: SystemParts): void {
  const command = audit
    .command('list')
    .description('rows of a chain, newest first')
    .addHelpText('before', EXAMPLE)
    .addOption(
      new Option('--chain <chain>', 'what operators did, or finished requests')
        .choices(CHAIN_WORDS)
        .default('admin'),
    )
    .option('--since <time>', 'from when, such as 7d, today or 2026-11')
    .option('--until <time>', 'until when (default: now)')
    .option('--key <key>', 'only of this key: its id or name')
    .option('--action <action>', "only this action, such as key.create or 'key.*'")
    .option('--oldest', 'oldest first')
    .option('--after <seq>', 'go on after the row with this number', parseCount)
    .option('--limit <rows>', 'how many rows at most', parseCount, 50);
  addOutputOptions(addAccessOptions(command)).action(async (flags: ListFlags) => {
    const request = { ...toRequest(flags, system.clock.nowMs()), after: flags.after ?? null };
    const found = await withOperations(io, { ...flags, need: 'data', system }, (operations) =>
      collect(operations.audit, request, flags.limit),
    );
    await printReport(io, flags, toAuditListReport(flags.chain, found));
    if (found.next !== null && flags.output === 'table') {
      io.err(`There are more: --after ${found.next} goes on.\n`);
    }
  });
}

/** What `list` and `export` ask for alike. */
export function toRequest(
  flags: Pick<ListFlags, 'chain' | 'since' | 'until' | 'key' | 'action' | 'oldest'>,
  nowMs: number,
): Omit<AuditPageRequest, 'after'> {
  const range =
    flags.since === undefined && flags.until === undefined
      ? null
      : parseTimeRange(flags.since ?? '1970-01-01', flags.until, nowMs);
  const iso = (timeMs: number | undefined) =>
    timeMs === undefined ? null : new Date(timeMs).toISOString();
  return {
    chain: toChainName(flags.chain),
    since: flags.since === undefined ? null : iso(range?.sinceMs),
    until: flags.until === undefined ? null : iso(range?.untilMs),
    key: flags.key ?? null,
    action: flags.action ?? null,
    order: flags.oldest === true ? 'oldest' : 'newest',
    limit: PAGE_ROWS,
    purpose: 'list',
  };
}

/** A page looks at a bounded stretch of rows, so a rare kind of row takes more than one. */
async function collect(
  audit: AuditOperations,
  request: AuditPageRequest,
  limit: number,
): Promise<{ rows: AuditRow[]; next: number | null }> {
  const rows: AuditRow[] = [];
  let next: number | null = request.after;
  do {
    const page: Awaited<ReturnType<AuditOperations['page']>> = await audit.page({
      ...request,
      after: next,
      limit: Math.min(limit - rows.length, PAGE_ROWS),
    });
    rows.push(...page.rows);
    next = page.next;
  } while (next !== null && rows.length < limit);
  return { rows, next };
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number above 0.');
}
