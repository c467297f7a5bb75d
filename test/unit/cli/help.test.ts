import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addAuditCommand } from '../../../src/cli/audit.ts';
import { addBackendsCommand } from '../../../src/cli/backends.ts';
import { addBackupCommand } from '../../../src/cli/backup.ts';
import { addBenchCommand } from '../../../src/cli/bench.ts';
import { addBudgetsCommand } from '../../../src/cli/budgets.ts';
import { addCompletionCommand } from '../../../src/cli/completion.ts';
import { listCompletions } from '../../../src/cli/completion-list.ts';
import { addDoctorCommand } from '../../../src/cli/doctor.ts';
import { addExplainCommand } from '../../../src/cli/explain.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { addKeysCommand } from '../../../src/cli/keys.ts';
import { addLedgerCommand } from '../../../src/cli/ledger.ts';
import { addLogCommand } from '../../../src/cli/log.ts';
import { addModelsCommand } from '../../../src/cli/models.ts';
import { addReloadCommand } from '../../../src/cli/reload.ts';
import { addRestoreCommand } from '../../../src/cli/restore.ts';
import { addStatusCommand } from '../../../src/cli/status.ts';
import { addTopCommand } from '../../../src/cli/top.ts';
import { addUsageCommand } from '../../../src/cli/usage.ts';
import { addVersionCommand } from '../../../src/cli/version.ts';
import { isUpdatingGolden, readGolden, writeGolden } from '../../support/golden.ts';
import { createRecordedIo, runCli } from '../../support/run-cli.ts';

const GOLDEN = join(import.meta.dirname, '../../golden/cli');

// What people read first. A change of a flag shows up here as a change of words, to be looked at.
const helps = listCompletions(createProgram(createRecordedIo().io))
  .map(({ path }) => path.split(' ').slice(1))
  .filter((words) => words.length > 0);

describe('help', () => {
  test.each(helps.map((words) => words.join(' ')))('%s', async (words) => {
    const path = join(GOLDEN, `${words.replaceAll(' ', '-')}.txt`);
    const args = [...words.split(' '), '--help'];
    const run = await runCli(addAll, args);
    expect(run).toMatchObject({ err: '', exitCode: 0 });
    expect(run.out).toMatch(/^Examples?:\n {2}\S/);
    for (const line of run.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    if (isUpdatingGolden(process.env)) writeGolden(path, `llmgate ${args.join(' ')}\n`, run.out);
    expect(run.out).toBe(readGolden(path).expected);
  });

  test('no golden outlives its command', () => {
    const expected = helps.map((words) => `${words.join('-')}.txt`);
    expect(readdirSync(GOLDEN).toSorted()).toEqual(expected.toSorted());
  });

  test.each([
    [['keys', 'creat'], '(Did you mean create?)'],
    [['usgae'], '(Did you mean usage?)'],
    [['usage', '--sinc', 'today'], '(Did you mean --since?)'],
    [['keys', 'show'], "missing required argument 'key'"],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish, powershell'],
    [['usage', 'today'], 'too many arguments'],
  ])('%j ends with 2 and a way on', async (args, message) => {
    const run = await runCli(addAll, args);
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain(message);
  });

  test('a group without a verb shows its verbs, on stderr, and ends with 2', async () => {
    const run = await runCli(addAll, ['keys']);
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain('create [options]');
  });
});

function createProgram(io: CliIo): Command {
  const program = new Command('llmgate');
  addAll(program, io);
  return program;
}

function addAll(program: Command, io: CliIo): void {
  for (const add of [
    addKeysCommand,
    addUsageCommand,
    addBudgetsCommand,
    addLedgerCommand,
    addAuditCommand,
    addExplainCommand,
    addModelsCommand,
    addBackendsCommand,
    addBackupCommand,
    addRestoreCommand,
    addStatusCommand,
    addTopCommand,
    addReloadCommand,
    addLogCommand,
    addDoctorCommand,
    addBenchCommand,
    addVersionCommand,
    addCompletionCommand,
  ]) {
    add(program, io);
  }
}
