import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Operations } from '../admin/operations.ts';
import type { LiveDocument } from '../observe/live-document.ts';
import { parseIntervalMs } from '../tui/interval.ts';
import { SCREENS, type ScreenName } from '../tui/state.ts';
import type { TopAction } from '../tui/top-action.ts';
import { addAccessOptions, SYSTEM, withOperations } from './admin-access.ts';
import { type ColorWhen, shouldColor } from './color.ts';
import type { AccessFlags } from './data-dir.ts';
import { CliError, EXIT } from './exit-code.ts';
import type { CliIo, ProcessIo } from './io.ts';
import { escapeHidden } from './visible-text.ts';

const EXAMPLE = `Examples:
  llmgate top                                what goes on now; ? shows the keys
  llmgate top --screen backends --interval 2s
  llmgate top --once --screen requests       one look, as text
  llmgate top --json | jq .backends
`;

/** A pipe has no width; this is what a person who reads the file has. */
const TEXT_COLUMNS = 120;
/** More than a document has rows. */
const TEXT_ROWS = 600;

interface TopFlags extends AccessFlags {
  readonly once?: true;
  readonly json?: true;
  readonly screen: ScreenName;
  readonly filter: string;
  readonly interval: number;
  readonly color: ColorWhen;
}

export type TopIo = CliIo & Partial<Pick<ProcessIo, 'onSignal'>>;

export function addTopCommand(program: Command, io: TopIo): void {
  const command = program
    .command('top')
    .description('see live what the gateway is doing, and act on it')
    .addHelpText('before', EXAMPLE)
    .option('--once', 'print one frame as text and end')
    .option('--json', 'print the figures as one JSON document and end')
    .addOption(new Option('--screen <name>', 'where to begin').choices(SCREENS).default('overview'))
    .option('--filter <text>', 'only rows with this text', '')
    .addOption(
      new Option('--interval <time>', 'how often to look, 100ms to 10s')
        .argParser(parseInterval)
        .default(1_000, '1s'),
    )
    .addOption(
      new Option('--color <when>', 'colour on the screen')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    );
  addAccessOptions(command).action(async (flags: TopFlags) => {
    await withOperations(io, { ...flags, need: 'gateway' }, async (operations) => {
      if (flags.json === true) return printJson(io, await operations.live(0));
      if (flags.once === true || !hasScreen(io)) return printOnce(io, flags, operations);
      return showScreen(io, flags, operations);
    });
  });
}

function parseInterval(text: string): number {
  const ms = parseIntervalMs(text);
  if (ms !== null) return ms;
  throw new InvalidArgumentError('write 100ms to 10s, such as 500ms or 2s.');
}

/** A terminal at both ends, of a kind that can be drawn on. */
function hasScreen({ stdoutIsTty, env }: CliIo): boolean {
  const term = env['TERM'] ?? '';
  return stdoutIsTty && process.stdin.isTTY === true && term !== '' && term !== 'dumb';
}

function printJson(io: CliIo, document: LiveDocument): void {
  io.out(escapeHidden(`${JSON.stringify(document, null, 2)}\n`, 'json'));
}

/** Rates need two looks; the second one comes after the interval. */
async function printOnce(io: CliIo, flags: TopFlags, operations: Operations): Promise<void> {
  const { renderOnce } = await import('../tui/render-once.ts');
  const first = await operations.live(0);
  await waitFor(flags.interval, io.signal);
  const second = await operations.live(first.seq);
  io.out(
    renderOnce([first, second], {
      columns: io.stdoutIsTty ? io.columns : TEXT_COLUMNS,
      rows: TEXT_ROWS,
      screen: flags.screen,
      filter: flags.filter,
      intervalMs: flags.interval,
    }),
  );
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

async function showScreen(io: TopIo, flags: TopFlags, operations: Operations): Promise<void> {
  const { runTop } = await import('../tui/run-top.ts');
  const { openTerminal } = await import('../tui/terminal.ts');
  const { paintInColor, paintInShades } = await import('../tui/paint.ts');
  const gone = new AbortController();
  io.onSignal?.('SIGHUP', () => gone.abort());
  let giveBack = () => {};
  // Also when something ends the process that nobody has thought of.
  const onExit = () => giveBack();
  process.once('exit', onExit);
  try {
    await runTop({
      source: {
        live: (since, lists) => operations.live(since, lists),
        act: (action) => act(operations, action),
        explain: (request, columns) => explainLines(operations, request, columns),
      },
      clock: SYSTEM.clock,
      paint: shouldColor(flags.color, io) ? paintInColor : paintInShades,
      openTerminal(events) {
        const streams = { input: process.stdin, output: process.stdout };
        const terminal = openTerminal(streams, events);
        giveBack = () => terminal.close();
        return terminal;
      },
      intervalMs: flags.interval,
      screen: flags.screen,
      filter: flags.filter,
      signal: AbortSignal.any([io.signal, gone.signal]),
    });
  } finally {
    process.off('exit', onExit);
  }
  if (io.signal.aborted) throw new CliError('interrupted', EXIT.interrupted);
}

/** What `llmgate explain` prints, for the screen. */
async function explainLines(
  operations: Operations,
  request: string,
  columns: number,
): Promise<readonly string[]> {
  const { toExplainReport } = await import('./explain-request.ts');
  const { human } = toExplainReport(await operations.explain.request(request), columns);
  return typeof human === 'string' ? human.trimEnd().split('\n') : [];
}

async function act(operations: Operations, action: TopAction): Promise<void> {
  switch (action.kind) {
    case 'drain':
      await operations.drainBackend(action.backend);
      return;
    case 'resume':
      await operations.resumeBackend(action.backend);
      return;
    case 'cancel':
      await operations.cancelRequest(action.request);
      return;
    case 'suspend':
      await operations.keys.suspend(action.key);
      return;
    case 'unsuspend':
      await operations.keys.resume(action.key);
  }
}
