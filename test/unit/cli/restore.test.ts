import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { addBackupCommand } from '../../../src/cli/backup.ts';
import { toByteSize } from '../../../src/cli/byte-size.ts';
import { addKeysCommand } from '../../../src/cli/keys.ts';
import { startProgressLine } from '../../../src/cli/progress-line.ts';
import { addRestoreCommand } from '../../../src/cli/restore.ts';
import { createRecordedIo, type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { testDir } from '../../support/test-dir.ts';

let folder: string;

const llmgate = (words: string, options: RunCliOptions = {}) =>
  runCli(
    (program, io) => {
      addKeysCommand(program, io);
      addBackupCommand(program, io);
      addRestoreCommand(program, io);
    },
    [...words.split(' '), '--data-dir', 'data'],
    { cwd: folder, ...options },
  );

const keys = async () => JSON.parse((await llmgate('keys list --json')).out).keys.length;

beforeEach(async () => {
  folder = testDir();
  await llmgate('keys create --name a');
  expect(await llmgate('backup copy.db')).toMatchObject({ exitCode: 0, err: '' });
  await llmgate('keys create --name b');
});

test('what is lost is shown before the question, and "no" changes nothing', async () => {
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return 'n';
  };
  const run = await llmgate('restore copy.db', { ask });
  expect(run).toMatchObject({ exitCode: 1, out: '' });
  expect(run.err).toContain('0 requests, 2 events and 1 key that came after it');
  expect(run.err).toMatch(/llmgate: nothing was restored\n$/);
  expect(questions).toEqual(['Put it in the place of the present books? [y/N] ']);
  expect(await keys()).toBe(2);
});

test('"yes" restores, and so does --yes where nobody is there to ask', async () => {
  const run = await llmgate('restore copy.db', { ask: async () => 'yes' });
  expect(run).toMatchObject({ exitCode: 0 });
  expect(run.out).toContain(join(folder, 'data/llmgate.db.before-restore-'));
  expect(await keys()).toBe(1);
  await llmgate('keys create --name c');
  expect(await llmgate('restore copy.db')).toMatchObject({ exitCode: 2, out: '' });
  expect(await keys()).toBe(2);
  const unasked = await llmgate('restore copy.db --yes --json');
  expect(unasked).toMatchObject({ exitCode: 0, err: '' });
  expect(JSON.parse(unasked.out)).toMatchObject({ restored: true, made_by: expect.any(String) });
  expect(await keys()).toBe(1);
});

test('Ctrl-C at the question changes nothing', async () => {
  const interrupted = new AbortController();
  const ask = async () => {
    interrupted.abort();
    return 'y';
  };
  const run = await llmgate('restore copy.db', { ask, signal: interrupted.signal });
  expect(run).toMatchObject({ exitCode: 130, out: '' });
  expect(await keys()).toBe(2);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [143_360, '143 kB'],
  [12_345_678, '12.3 MB'],
  [2_000_000_000_000_000, '2000 TB'],
])('%i bytes are %s', (bytes, text) => {
  expect(toByteSize(bytes)).toBe(text);
});

test('progress is for a terminal alone', () => {
  const { io, run } = createRecordedIo();
  startProgressLine(io, () => 'half')();
  expect(run.err).toBe('');
});
