import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/prove-faults [--scale N]

Puts the compiled llmgate between callers and backends that fail in every way that there is, over real
sockets, and prints what callers saw: a table of faults with and without a well backend beside them;
callers who leave at every moment; storms, dead connections and names that move; a restart of every
backend under load; model servers that llmgate starts. N times as long as in scripts/test: 5, or N.
`;

const TESTS = [
  'fault-table',
  'bad-pool',
  'leaving-everywhere',
  'rolling-restart',
  'engine-processes',
];

type Facts = Readonly<Record<string, unknown>>;

const { values } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, scale: { type: 'string', default: '5' } },
});

if (values.help === true) process.stdout.write(HELP);
else process.exitCode = await prove(values.scale);

async function prove(scale: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-faults-'));
  const report = join(folder, 'seen.jsonl');
  try {
    const files = TESTS.map((name) => `test/e2e/${name}.test.ts`);
    const child = Bun.spawn(
      [process.execPath, 'run', '--bun', 'vitest', 'run', '--testTimeout', '900000', ...files],
      {
        cwd: ROOT,
        env: {
          ...process.env,
          LLMGATE_FAULT_REPORT: report,
          LLMGATE_FAULT_SCALE: scale,
          LLMGATE_TEST_BINARY: process.env['LLMGATE_TEST_BINARY'] ?? join(ROOT, 'dist/llmgate'),
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
    const code = await child.exited;
    printTables(existsSync(report) ? readSeen(report) : []);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readSeen(report: string): Facts[] {
  const lines = readFileSync(report, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Facts);
}

function printTables(seen: readonly Facts[]): void {
  const of = (table: string) => seen.filter((facts) => facts['table'] === table);
  print('Faults', of('table'));
  print('Callers who leave', byMoment(of('leaving')));
  print('Restarts', of('rolling'));
  print('Model servers that cannot be started', of('engines'));
  print('Figures', of('figures'));
}

/** The longest of all rounds is what counts. */
function byMoment(seen: readonly Facts[]): Facts[] {
  const kinds = Map.groupBy(
    seen,
    ({ moment, transport, stream }) => `${moment}\n${transport}\n${stream}`,
  );
  return [...kinds.values()].map((rounds) => ({
    ...rounds[0],
    rounds: rounds.length,
    closed_ms: longest(rounds, 'closed_ms'),
    free_ms: longest(rounds, 'free_ms'),
  }));
}

function longest(rounds: readonly Facts[], name: string): number | null {
  const known = rounds.map((facts) => facts[name]).filter((value) => typeof value === 'number');
  return known.length === 0 ? null : Math.max(...known);
}

/** Columns are those of the first row, as wide as what stands in them. */
function print(title: string, rows: readonly Facts[]): void {
  const [first] = rows;
  if (first === undefined) return;
  const names = Object.keys(first).filter((name) => name !== 'table');
  const cells = [names, ...rows.map((row) => names.map((name) => toText(row[name])))];
  const widths = names.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  process.stdout.write(`\n${title}\n\n${lines.join('\n')}\n`);
}

function toText(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  return value === null || value === undefined ? '' : String(value);
}
