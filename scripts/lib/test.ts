import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counts } from './count-reporter.ts';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/test [--gates] [--no-build] [FILTER…]

Builds dist/llmgate and runs every test, or those whose path contains a FILTER. The last line is
'N passed, N failed'. --gates runs format, lint and types first and counts each as one test.
`;

interface Gate {
  readonly name: string;
  readonly command: readonly string[];
}

const GATES: readonly Gate[] = [
  { name: 'format and lint', command: ['biome', 'ci', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
];

const args = process.argv.slice(2);
const flags = new Set(args.filter((arg) => arg.startsWith('--')));
const filters = args.filter((arg) => !arg.startsWith('-'));

if (flags.has('--help')) {
  process.stdout.write(HELP);
} else {
  const counts: Counts[] = flags.has('--gates') ? GATES.map(passGate) : [];
  if (!flags.has('--no-build')) counts.push(build());
  counts.push(runTests(filters));
  const passed = sum(counts.map((count) => count.passed));
  const failed = sum(counts.map((count) => count.failed));
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function passGate({ name, command }: Gate): Counts {
  const ok = run([process.execPath, 'run', '--bun', ...command], name);
  return { passed: Number(ok), failed: Number(!ok) };
}

// A build is no test, but one that fails must show in the count.
function build(): Counts {
  const ok = run([join(ROOT, 'scripts/build')], 'build');
  return { passed: 0, failed: Number(!ok) };
}

function runTests(paths: readonly string[]): Counts {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-test-'));
  try {
    const file = join(folder, 'counts.json');
    const env = {
      LLMGATE_TEST_COUNTS: file,
      LLMGATE_TEST_BINARY: join(ROOT, 'dist/llmgate'),
    };
    const ok = run([process.execPath, 'run', '--bun', 'vitest', 'run', ...paths], 'tests', env);
    const counts = readCounts(file);
    const nothingRan = counts.passed + counts.failed === 0;
    return { passed: counts.passed, failed: counts.failed || Number(!ok || nothingRan) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// The reporter wrote it; without it vitest itself did not get far enough to count.
function readCounts(file: string): Counts {
  if (!existsSync(file)) return { passed: 0, failed: 0 };
  return JSON.parse(readFileSync(file, 'utf8')) as Counts;
}

function run(command: readonly string[], name: string, env: Record<string, string> = {}): boolean {
  process.stdout.write(`==> ${name}\n`);
  const startedAt = performance.now();
  const { success } = Bun.spawnSync([...command], {
    cwd: ROOT,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`==> ${name}: ${success ? 'ok' : 'FAILED'} after ${seconds} s\n`);
  return success;
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
