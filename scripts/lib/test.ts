import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counts } from './count-reporter.ts';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/test [--gates] [--no-build] [FILTER…]

Builds dist/llmgate and runs every test, or those whose path contains a FILTER. The last line is
'N passed, N failed'. --gates runs format, lint and types first and counts each as one test.
`;

/** A test that spins cannot be stopped from inside its process; this ends the whole run. */
const TESTS_END_WITHIN_MS = 12 * 60_000;

type Sum = Pick<Counts, 'passed' | 'failed'>;

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly withinMs?: number;
}

const tool = (...args: string[]) => [process.execPath, 'run', '--bun', ...args];

const GATES: readonly Step[] = [
  { name: 'format and lint', command: tool('biome', 'ci', '--error-on-warnings', '.') },
  { name: 'types', command: tool('tsc', '-p', '.') },
];

const args = process.argv.slice(2);
const flags = new Set(args.filter((arg) => arg.startsWith('--')));
const filters = args.filter((arg) => !arg.startsWith('-'));

if (flags.has('--help')) {
  process.stdout.write(HELP);
} else {
  const sums: Sum[] = [];
  for (const gate of flags.has('--gates') ? GATES : []) {
    const ok = await run(gate);
    sums.push({ passed: Number(ok), failed: Number(!ok) });
  }
  if (!flags.has('--no-build')) {
    // A build is no test, but one that fails must show in the count.
    const ok = await run({ name: 'build', command: [join(ROOT, 'scripts/build')] });
    sums.push({ passed: 0, failed: Number(!ok) });
  }
  sums.push(await runTests(filters));
  const passed = sums.reduce((total, each) => total + each.passed, 0);
  const failed = sums.reduce((total, each) => total + each.failed, 0);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function runTests(paths: readonly string[]): Promise<Sum> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-test-'));
  try {
    const file = join(folder, 'counts.json');
    const ok = await run({
      name: 'tests',
      command: tool('vitest', 'run', ...paths),
      env: { LLMGATE_TEST_COUNTS: file, LLMGATE_TEST_BINARY: join(ROOT, 'dist/llmgate') },
      withinMs: TESTS_END_WITHIN_MS,
    });
    const { passed, failed, running } = readCounts(file);
    for (const module of running) process.stdout.write(`==> never ended: ${module}\n`);
    const unfinished = failed + running.length;
    const nothingRan = passed + unfinished === 0;
    return { passed, failed: unfinished || Number(!ok || nothingRan) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// The reporter wrote it; without it vitest itself did not get far enough to count.
function readCounts(file: string): Counts {
  if (!existsSync(file)) return { passed: 0, failed: 0, running: [] };
  return JSON.parse(readFileSync(file, 'utf8')) as Counts;
}

/** True when the command ended with success, and in time. */
async function run({ name, command, env, withinMs }: Step): Promise<boolean> {
  process.stdout.write(`==> ${name}\n`);
  const startedAt = performance.now();
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    // A process group of its own, so that whatever it started ends with it.
    detached: true,
  });
  const end = () => endGroup(child.pid);
  const overdue = withinMs === undefined ? undefined : setTimeout(end, withinMs);
  const quit = () => {
    end();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, quit);
  const ok = (await child.exited) === 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, quit);
  clearTimeout(overdue);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`==> ${name}: ${ok ? 'ok' : 'FAILED'} after ${seconds} s\n`);
  return ok;
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

// What a developer or a company's machine sets for real gateways must not reach the tests.
function cleanEnvironment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('LLMGATE_'));
  const noProxy = ['127.0.0.1', 'localhost', '::1', process.env['NO_PROXY']].filter(Boolean).join();
  return {
    ...Object.fromEntries(own),
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
  };
}
