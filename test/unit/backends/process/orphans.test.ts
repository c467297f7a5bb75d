import { resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive, someEngine } from '../../../support/engine-process-lab.ts';
import { RunningProcess } from '../../../support/running-process.ts';

const GATEWAY = resolve(import.meta.dirname, '../../../support/engine-process-gateway-main.ts');
const half = { memoryBytes: 20e9 };

/** A gateway of its own process with these engines, and the pids of all that it has started. */
async function startGateway(...behaviours: readonly (readonly string[])[]) {
  const settings = behaviours.map((behaviour, index) =>
    someEngine(`engine-${index}`, behaviour, { ...half, stopTimeoutMs: 300 }),
  );
  const command = [process.execPath, GATEWAY, JSON.stringify(settings)];
  const gateway = new RunningProcess(command, {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  onTestFinished(() => gateway.signal('SIGKILL'));
  const [, pids = ''] = await gateway.untilLine(/^ready (.*)/);
  const workers = gateway.lines.flatMap((line) => /"line":"worker (\d+)"/.exec(line)?.[1] ?? []);
  return { gateway, started: [...pids.split(' '), ...workers].map(Number) };
}

/**
 * Kills the gateway and says whether all it had started ended with it; if not, it ends them. The
 * engines are nobody's children then, so there is no event to wait for.
 */
async function killGateway(gateway: RunningProcess, started: readonly number[]): Promise<boolean> {
  gateway.signal('SIGKILL');
  await gateway.exited;
  for (let turn = 0; turn < 250; turn += 1) {
    if (!(await anyAlive(started))) return true;
    // Polls: the end of a process that is not our child.
    await Bun.sleep(20);
  }
  for (const pid of started) if (await isAlive(pid)) process.kill(pid, 'SIGKILL');
  return false;
}

async function anyAlive(pids: readonly number[]): Promise<boolean> {
  return (await Promise.all(pids.map(isAlive))).includes(true);
}

test('kill -9 of the gateway leaves no engine, no worker and nothing that had left the group', async () => {
  const { gateway, started } = await startGateway(['fork'], ['escape', 'ignore-sigterm']);
  expect(started).toHaveLength(4);
  expect(await Promise.all(started.map(isAlive))).toEqual([true, true, true, true]);
  expect(await killGateway(gateway, started)).toBe(true);
});

test('also while an engine is being stopped that ignores SIGTERM: its guard ignores it too', async () => {
  const { gateway, started } = await startGateway(['ignore-sigterm']);
  process.kill(-(started[0] ?? 0), 'SIGTERM');
  await gateway.untilLine(/"line":"ignored"/);
  expect(await killGateway(gateway, started)).toBe(true);
});
