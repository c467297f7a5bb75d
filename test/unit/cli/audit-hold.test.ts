import { expect, test } from 'vitest';
import { addAuditCommand } from '../../../src/cli/audit.ts';
import { openAuditLab } from '../../support/audit-lab.ts';
import { type CliRun, runCli } from '../../support/run-cli.ts';

test('holds are placed, listed and released without a gateway', async () => {
  const { dataDir, close } = openAuditLab();
  close();
  const run = (...args: string[]): Promise<CliRun> =>
    runCli(addAuditCommand, ['audit', 'hold', ...args, '--data-dir', dataDir], { cwd: dataDir });

  const empty = await run('list');
  expect(empty).toMatchObject({ exitCode: 0, out: '' });
  expect(empty.err).toContain('Nothing is held');

  const placed = await run('place', '--user', 'ada', '--reason', 'case 7');
  expect(placed.exitCode).toBe(0);
  expect(placed.out).toContain('user ada');
  const list = await run('list');
  expect(list.out).toMatch(/^ID {2}COVERS .*PLACED .*REASON\n 1 {2}user ada {2}\S+Z {2}case 7\n$/);

  expect(await run('place', '--user', 'ada')).toMatchObject({ exitCode: 2 });
  const two = await run('place', '--user', 'ada', '--all', '--reason', 'x');
  expect(two).toMatchObject({ exitCode: 2 });
  expect(two.err).toContain('name one of --all');

  expect(await run('release', '1', '--reason', 'closed')).toMatchObject({ exitCode: 0 });
  expect(JSON.parse((await run('list', '--json')).out)).toEqual({ holds: [] });
  const all = JSON.parse((await run('list', '--released', '--json')).out);
  expect(all.holds).toMatchObject([{ id: 1, scope: 'user', subject: 'ada', reason: 'case 7' }]);
  const again = await run('release', '1', '--reason', 'closed');
  expect(again.exitCode).toBe(1);
  expect(again.err).toContain('hold 1 was released before');
});
