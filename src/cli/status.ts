import type { Command } from 'commander';
import type { GatewayStatus } from '../admin/gateway-schemas.ts';
import { addAccessOptions, withOperations } from './admin-access.ts';
import type { AccessFlags } from './data-dir.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { renderFields } from './table.ts';

const EXAMPLE = `Examples:
  llmgate status
  llmgate status --json
`;

export function addStatusCommand(program: Command, io: CliIo): void {
  const command = program
    .command('status')
    .description('what the running gateway is doing; exit 5 when none runs')
    .addHelpText('before', EXAMPLE);
  addOutputOptions(addAccessOptions(command)).action(async (flags: AccessFlags & OutputOptions) => {
    const status = await withOperations(io, { ...flags, need: 'gateway' }, (operations) =>
      operations.status(),
    );
    await printReport(io, flags, toReport(status));
  });
}

function toReport(status: GatewayStatus): Report {
  const { ledger } = status;
  return {
    document: status,
    rows: [status],
    human: renderFields([
      ['version', status.version],
      ['listen', status.listen],
      ['config', status.config_file ?? 'none; engines found on this machine'],
      ['generation', String(status.generation)],
      ['started', status.started_at],
      ['state', status.draining ? 'draining' : 'serving'],
      ['in flight', String(status.in_flight)],
      ['requests', `${status.requests}, ${status.unauthenticated} without a valid key`],
      [
        'ledger',
        `${ledger.rows_settled} settled in ${ledger.commits} commits, ${ledger.queued} queued`,
      ],
      ...(status.clamped_usages === 0
        ? []
        : [['clamped', `${status.clamped_usages} usage reports beyond belief`] as const]),
      [
        'budgets',
        `${status.budgets.holds} holds of $${status.budgets.held_usd}, ${status.budgets.refused} refused`,
      ],
      ...status.exports.map((sink) => ['export', toSinkLine(sink)] as const),
      ...(status.unrecorded === 0
        ? []
        : [['unrecorded', `${status.unrecorded} served before they could be recorded`] as const]),
      ...(status.audit.failures === 0
        ? []
        : [['audit', `${status.audit.failures} events could not be written`] as const]),
      ...(status.retention.failing
        ? [['retention', `${status.retention.failures} purges failed; the log says why`] as const]
        : []),
      ...(status.content.failing ? [['content', 'cannot be kept now'] as const] : []),
      // Worth a line only when something is wrong: these rows are not in the books.
      ...(ledger.unwritten + ledger.dropped === 0
        ? []
        : [['unbooked', `${ledger.unwritten} waiting, ${ledger.dropped} lost`] as const]),
    ]),
  };
}

function toSinkLine({ id, lag_rows, failing_since, last_failure }: Sink): string {
  const state = failing_since === null ? '' : `, failing since ${failing_since}: ${last_failure}`;
  return `${id}: ${lag_rows} rows behind${state}`;
}

type Sink = GatewayStatus['exports'][number];
