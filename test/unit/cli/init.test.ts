import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FoundEngine } from '../../../src/backends/local-engines.ts';
import { discoverConfig } from '../../../src/cli/discover-config.ts';
import { addInitCommand } from '../../../src/cli/init.ts';
import { addValidateCommand } from '../../../src/cli/validate.ts';
import { createRecordedIo, runCli } from '../../support/run-cli.ts';
import { testDir } from '../../support/test-dir.ts';

const VLLM: FoundEngine = { type: 'vllm', url: 'http://127.0.0.1:8000', modelIds: ['a', 'b'] };
const OLLAMA: FoundEngine = { type: 'ollama', url: 'http://127.0.0.1:11434', modelIds: ['c'] };

function init(args: string[], cwd: string, found: FoundEngine[] = []) {
  return runCli(
    (program, io) => addInitCommand(program, io, async () => found),
    ['init', ...args],
    {
      cwd,
    },
  );
}

test.each([
  ['what was found', [VLLM, OLLAMA], '2 backends'],
  ['an example when nothing was', [], '1 backend'],
])('writes %s, and validate accepts it', async (_, found, backends) => {
  const cwd = testDir();
  const { out, err, exitCode } = await init([], cwd, found);
  expect([out, exitCode]).toEqual(['', 0]);
  for (const { type, url } of found) expect(err).toContain(`found ${type} at ${url} with`);
  expect(err).toContain('wrote llmgate.yaml\nNext:\n  llmgate serve -c llmgate.yaml\n');
  const verdict = await runCli(addValidateCommand, ['validate'], { cwd });
  expect(verdict).toMatchObject({ exitCode: 0, err: '' });
  expect(verdict.out).toContain(`is valid: ${backends}`);
  expect(statSync(join(cwd, 'llmgate.yaml')).mode & 0o777).toBe(0o644);
});

test('never overwrites a file by itself', async () => {
  const cwd = testDir();
  writeFileSync(join(cwd, 'mine.yaml'), 'mine');
  const refused = await init(['mine.yaml'], cwd, [VLLM]);
  expect(refused).toMatchObject({ out: '', exitCode: 1 });
  expect(refused.err).toContain('exists');
  expect(refused.err).toContain('--force');
  expect(readFileSync(join(cwd, 'mine.yaml'), 'utf8')).toBe('mine');

  expect(await init(['mine.yaml', '--force'], cwd, [VLLM])).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(cwd, 'mine.yaml'), 'utf8')).toContain('http://127.0.0.1:8000');
  expect(readdirSync(cwd)).toEqual(['mine.yaml']);
});

test('a place that cannot be written leaves nothing behind', async () => {
  const cwd = testDir();
  mkdirSync(join(cwd, 'folder'));
  expect((await init(['none/llmgate.yaml'], cwd)).err).toContain('its folder does not exist');
  expect((await init(['folder', '--force'], cwd)).err).toContain('it is a folder');
  expect(readdirSync(cwd)).toEqual(['folder']);
});

test('serve without a file uses what init would write', async () => {
  const { io, run } = createRecordedIo({ cwd: '/srv/box' });
  const config = await discoverConfig(io, async () => [VLLM]);
  expect(config.backends).toMatchObject([{ id: 'vllm', url: VLLM.url, discover: true }]);
  expect(config.listen).toEqual({ hostname: '127.0.0.1', port: 8080, tls: null });
  expect(config.dataDir).toBe('/srv/box/llmgate-data');
  expect(run.out + run.err).toBe('');
});

test('serve without a file and without an engine says what to do', async () => {
  const { io } = createRecordedIo();
  await expect(discoverConfig(io, async () => [])).rejects.toMatchObject({
    exitCode: 78,
    hint: expect.stringContaining('llmgate init'),
  });
});
