import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/prove-crash [--kills N]

Starts the compiled llmgate, loads it, ends it with kill -9 at a random moment, and starts it again:
${200} times, or N. After each start: every request that the backend saw has one row, every answer that
a caller got whole is booked as it was told, nothing is open or held, both chains verify, and every
budget stands at what the rows make. Every third start is killed as well. It is the test
test/e2e/crash-loop.test.ts, which runs a few rounds in scripts/test.
`;

const { values } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, kills: { type: 'string', default: '200' } },
});

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const startedMs = performance.now();
  const test = ['run', '--bun', 'vitest', 'run', 'test/e2e/crash-loop.test.ts', '-t', 'killed'];
  const child = Bun.spawn([process.execPath, ...test], {
    cwd: ROOT,
    env: {
      ...process.env,
      LLMGATE_CRASH_ROUNDS: values.kills,
      LLMGATE_TEST_BINARY: process.env['LLMGATE_TEST_BINARY'] ?? join(ROOT, 'dist/llmgate'),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = await child.exited;
  const minutes = (performance.now() - startedMs) / 60_000;
  process.stdout.write(`after ${minutes.toFixed(1)} minutes: exit ${process.exitCode}\n`);
}
