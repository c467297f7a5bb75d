import type { Command } from 'commander';
import type { BackendView } from '../admin/gateway-schemas.ts';
import { addAccessOptions, withOperations } from './admin-access.ts';
import { addBackendsDrainCommands } from './backends-drain.ts';
import type { Ink } from './color.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo } from './io.ts';
import { addOutputOptions, type OutputOptions, printReport, type Report } from './output.ts';
import { NOTHING, renderFields } from './table.ts';
import { toVisibleText } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate backends list
  llmgate backends show gpu0
  llmgate backends drain gpu0 --yes          before it is restarted
`;

type Flags = AccessFlags & OutputOptions;

export function addBackendsCommand(program: Command, io: CliIo): void {
  const backends = program
    .command('backends')
    .description('servers that answer, and whether they do')
    .addHelpText('before', EXAMPLE);
  const list = backends
    .command('list')
    .description('all backends of the running gateway')
    .addHelpText('before', 'Example:\n  llmgate backends list --json\n');
  addOutputOptions(addAccessOptions(list)).action(async (flags: Flags) => {
    await printReport(io, flags, toListReport(await fetchBackends(flags, io)));
  });
  const show = backends
    .command('show')
    .description('one backend: its state and its models')
    .addHelpText('before', 'Example:\n  llmgate backends show gpu0\n')
    .argument('<backend>', 'id of the backend, as the configuration names it');
  addOutputOptions(addAccessOptions(show)).action(async (id: string, flags: Flags) => {
    const found = (await fetchBackends(flags, io)).find((backend) => backend.id === id);
    if (found === undefined) {
      throw new CliError(`there is no backend "${toVisibleText(id)}"`, EXIT.notFound);
    }
    await printReport(io, flags, toReport(found));
  });
  addBackendsDrainCommands(backends, io);
}

function fetchBackends(flags: Flags, io: CliIo): Promise<BackendView[]> {
  return withOperations(io, { ...flags, need: 'gateway' }, (operations) => operations.backends());
}

function toListReport(backends: readonly BackendView[]): Report {
  return {
    document: { backends },
    rows: backends,
    columns: ['id', 'type', 'url', 'state', 'error', 'checked_at', 'models', 'in_flight'],
    human: {
      columns: [
        { title: 'BACKEND' },
        { title: 'TYPE' },
        { title: 'STATE', whole: true },
        { title: 'MODELS', align: 'right' },
        { title: 'IN FLIGHT', align: 'right' },
        { title: 'URL' },
        { title: 'ERROR', optional: true },
      ],
      rows: backends.map((backend) => [
        backend.id,
        backend.type,
        backend.state,
        String(backend.models.length),
        String(backend.in_flight),
        backend.url,
        backend.error ?? NOTHING,
      ]),
    },
    emptyHint: 'No backends are configured. "llmgate init" looks for engines on this machine.',
    ink: inkOfState,
  };
}

function toReport(backend: BackendView): Report {
  return {
    document: backend,
    rows: [backend],
    human: renderFields([
      ['id', backend.id],
      ['type', backend.type],
      ['url', backend.url],
      ['state', backend.state],
      ['error', backend.error ?? 'none'],
      ['checked', backend.checked_at ?? 'never'],
      ['in flight', String(backend.in_flight)],
      ['models', backend.models.join(', ') || 'none seen'],
    ]),
  };
}

function inkOfState(cell: string): Ink | null {
  if (cell === 'up') return 'green';
  return cell === 'down' ? 'red' : null;
}
