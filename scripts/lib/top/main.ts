import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../root.ts';

const HELP = `usage: scripts/bench-top [--binary FILE] [--seconds N]

Runs llmgate top on a pseudo-terminal at ten frames a second, before a gateway whose document has 200
requests in flight, 200 callers, 40 models, 24 backends and 8 GPUs. Prints CPU and memory of top alone,
for each size of the terminal and screen.
`;

/** Of the clock of /proc: 100 ticks a second on every Linux that Bun runs on. */
const TICK_MS = 10;
const WARM_UP_MS = 5_000;
const FRAME_END = '\x1b[?2026l';

const { values } = parseArgs({
  options: {
    binary: { type: 'string' },
    seconds: { type: 'string', default: '15' },
    help: { type: 'boolean', short: 'h' },
  },
});

interface Figures {
  readonly cpuPercent: number;
  readonly rssMb: number;
  readonly framesPerSecond: number;
  readonly kbPerSecond: number;
}

if (values.help === true) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const binary = resolve(values.binary ?? join(ROOT, 'dist/llmgate'));
  const dataDir = mkdtempSync(join(tmpdir(), 'llmgate-top-'));
  const script = join(import.meta.dirname, 'fake-gateway-main.ts');
  const gateway = Bun.spawn([process.execPath, script, dataDir], { stdout: 'pipe' });
  const output = gateway.stdout.getReader();
  await output.read();
  try {
    for (const [columns, rows, screen] of [
      [80, 24, 'overview'],
      [200, 60, 'overview'],
      [80, 24, 'requests'],
      [200, 60, 'requests'],
      [200, 60, 'keys'],
    ] as const) {
      const figures = await measure(binary, dataDir, { columns, rows, screen });
      const { cpuPercent, rssMb, framesPerSecond, kbPerSecond } = figures;
      process.stdout.write(
        `${`${columns}x${rows}`.padEnd(8)} ${screen.padEnd(9)} ${cpuPercent.toFixed(2)} % of a core  ` +
          `${rssMb.toFixed(0)} MB  ${framesPerSecond.toFixed(1)} frames/s  ` +
          `${kbPerSecond.toFixed(1)} KB/s to the terminal\n`,
      );
    }
  } finally {
    gateway.kill('SIGTERM');
    await gateway.exited;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface View {
  readonly columns: number;
  readonly rows: number;
  readonly screen: string;
}

async function measure(binary: string, dataDir: string, view: View): Promise<Figures> {
  let bytes = 0;
  let frames = 0;
  let rest = '';
  const child = Bun.spawn(
    [binary, 'top', '--data-dir', dataDir, '--interval', '100ms', '--screen', view.screen],
    {
      env: { TERM: 'xterm-256color' },
      terminal: {
        cols: view.columns,
        rows: view.rows,
        data: (_, chunk) => {
          bytes += chunk.length;
          // What ends a synchronized frame may be cut in two by the pseudo-terminal.
          const parts = (rest + Buffer.from(chunk).toString('latin1')).split(FRAME_END);
          frames += parts.length - 1;
          rest = parts.at(-1)?.slice(-FRAME_END.length + 1) ?? '';
        },
      },
    },
  );
  await Bun.sleep(WARM_UP_MS);
  [bytes, frames] = [0, 0];
  const startedMs = performance.now();
  const before = cpuMsOf(child.pid);
  await Bun.sleep(Number(values.seconds) * 1_000);
  const elapsedMs = performance.now() - startedMs;
  const cpuMs = cpuMsOf(child.pid) - before;
  const rssMb = rssMbOf(child.pid);
  const figures = {
    cpuPercent: (cpuMs / elapsedMs) * 100,
    rssMb,
    framesPerSecond: frames / (elapsedMs / 1_000),
    kbPerSecond: bytes / 1_000 / (elapsedMs / 1_000),
  };
  child.terminal?.write('q');
  await child.exited;
  return figures;
}

/** User and system time of a process with all its threads. */
function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function rssMbOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1_000;
}
