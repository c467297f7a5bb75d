import { expect, test } from 'vitest';
import { llmgateBinary } from '../support/llmgate-binary.ts';

// Both exist on Linux alone, which is where gateways run.
const onLinux = test.skipIf(process.platform !== 'linux');

onLinux('what a full disk did not take ends with 1 and says so', async () => {
  const run = await Bun.$`${llmgateBinary()} version > /dev/full`.nothrow().quiet();
  expect(run.exitCode).toBe(1);
  expect(run.stderr.toString()).toContain('could not be written (ENOSPC)');
});

onLinux('a reader that has seen enough is no failure', async () => {
  const script = `"$0" help completion; "$0" completion bash | head -c 1 > /dev/null; echo "\${PIPESTATUS[0]}"`;
  const run = await Bun.$`bash -c ${script} ${llmgateBinary()}`.nothrow().quiet();
  expect(run.stdout.toString().trimEnd().endsWith('0')).toBe(true);
});
