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
    columns: [
      ...['id', 'type', 'url', 'state', 'drained', 'breaker', 'error', 'checked_at', 'models'],
      'in_flight',
    ],
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
        stateOf(backend),
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
      ['state', stateOf(backend)],
      ['error', backend.error ?? 'none'],
      ['checked', backend.checked_at ?? 'never'],
      ['in flight', inFlightOf(backend)],
      ['engine', engineOf(backend)],
      ['process', processOf(backend)],
      ['models', backend.models.join(', ') || 'none seen'],
    ]),
  };
}

/** With what keeps requests away from it although it is well. */
function stateOf({ state, drained, breaker }: BackendView): string {
  const words: string[] = [state];
  if (drained) words.push('drained');
  if (breaker !== 'closed') words.push(`breaker ${breaker.replace('_', ' ')}`);
  return words.join(', ');
}

function inFlightOf({ in_flight: inFlight, places }: BackendView): string {
  return places === null ? String(inFlight) : `${inFlight} of ${places}`;
}

function engineOf({ engine }: BackendView): string {
  if (engine === null) return 'says nothing of its load';
  const { running, waiting, kv_used: kvUsed } = engine;
  const cache = kvUsed === null ? '' : `, cache ${Math.round(kvUsed * 100)} % full`;
  return `${running} running, ${waiting} waiting${cache}`;
}

function processOf({ process }: BackendView): string {
  if (process === null) return 'not started by llmgate';
  const { state, pid, problem } = process;
  const words = pid === null ? state : `${state}, process ${pid}`;
  return problem === null ? words : `${words}: ${problem}`;
}

function inkOfState(cell: string): Ink | null {
  if (cell === 'up') return 'green';
  return cell === 'down' ? 'red' : null;
}
