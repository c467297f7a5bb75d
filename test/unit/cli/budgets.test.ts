import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addBudgetsCommand } from '../../../src/cli/budgets.ts';
import { fromUsd } from '../../../src/core/money.ts';
import { createBudgetBook } from '../../../src/pricing/budgets.ts';
import { createCountingRandom, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { type CliRun, type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { amountOf, someBudget } from '../../support/some-budget.ts';
import { someKey } from '../../support/some-key.ts';
import { testDir } from '../../support/test-dir.ts';

const CONFIG = `data_dir: ./data
timezone: Asia/Kolkata
backends: { gpu0: { type: vllm, url: "http://127.0.0.1:8000" } }
budgets:
  - { per: team, usd: 1000, window: month, alert_at: [50%, 80%] }
`;

/** Runs `llmgate budgets …` beside a configuration, without a gateway. */
function offline(config: string | null = CONFIG) {
  const cwd = testDir();
  if (config !== null) writeFileSync(join(cwd, 'llmgate.yaml'), config);
  const system = { clock: createFakeClock(), random: createCountingRandom() };
  return (args: string[], options?: RunCliOptions): Promise<CliRun> =>
    runCli((program, io) => addBudgetsCommand(program, io, system), ['budgets', ...args], {
      cwd,
      ...options,
    });
}

describe('without a gateway', () => {
  test('a team gets its own budget, a top-up and a raise, and loses them', async () => {
    const budgets = offline();
    const set = await budgets(['set', 'team/research', '--usd', '500.50/month']);
    expect(set).toEqual({
      out: `TARGET         WINDOW   LIMIT  SPENT    LEFT  RESETS            FROM
team/research  month   $500.5     $0  $500.5  2026-11-30 18:30  command
`,
      err: '',
      exitCode: 0,
    });
    await budgets(['set', 'team/research', '--top-up', '50']);
    const raised = await budgets(
      ['set', 'team/research', '--raise', '$10', '--until', '2026-12-24'],
      { stdoutIsTty: true, columns: 200, env: { NO_COLOR: '1' } },
    );
    expect(raised.out).toContain('$560.5');
    expect(raised.out).toContain('+$50, +$10 until 2026-12-24');
    const removed = await budgets(['set', 'team/research', '--remove', '--json']);
    expect(JSON.parse(removed.out)).toMatchObject({
      file_known: true,
      budgets: [{ source: 'file', base_limit_usd: '1000', limit_usd: '1060' }],
    });
  });

  test('list shows what the file says, and where', async () => {
    const budgets = offline();
    await budgets(['set', 'user/ada', '--tokens', '1_500k/day']);
    expect((await budgets(['list'])).out).toBe(
      `TARGET    WINDOW          LIMIT  SPENT           LEFT  RESETS            FROM
team/*    month           $1000      -              -  -                 file
user/ada  day     1,500,000 tok  0 tok  1,500,000 tok  2026-11-18 18:30  command
`,
    );
    expect((await budgets(['list', '--per', 'user', '-o', 'csv'])).out).toMatch(
      /^target,per,.*\r\nuser\/ada,user,ada,ada,tokens,day,command,/,
    );
  });

  test('no budget is said on stderr, with what to do', async () => {
    const none = offline(CONFIG.slice(0, CONFIG.indexOf('budgets:')));
    await none(['set', 'all', '--usd', '1/day']);
    await none(['set', 'all', '--remove']);
    expect(await none(['list'])).toEqual({
      out: '',
      err: 'There are no budgets. Make one with: llmgate budgets set all --usd 100/month\n',
      exitCode: 0,
    });
    expect(await none(['show', 'all'])).toMatchObject({ exitCode: 3 });
  });

  test('a configuration that cannot be read is said, and windows are not guessed', async () => {
    const budgets = offline(`${CONFIG}oops: 1\n`);
    const set = await budgets(['set', 'team/red', '--usd', '5/day']);
    expect(set.err).toBe(
      'The configuration cannot be read: its budgets and its time zone are not known here.\n',
    );
    expect(await budgets(['reset', 'team/red'])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('name the file with -c'),
    });
  });

  test('the budgets of another directory are not those of this file', async () => {
    const budgets = offline();
    const elsewhere = ['--data-dir', join(testDir(), 'other')];
    const set = await budgets(['set', 'team/red', '--usd', '5/day', '--json', ...elsewhere]);
    expect(JSON.parse(set.out)).toMatchObject({ file_known: false, budgets: [{ window: 'day' }] });
    const named = await budgets(['list', '--json', ...elsewhere, '-c', 'llmgate.yaml']);
    expect(JSON.parse(named.out)).toMatchObject({ file_known: true, budgets: [{}, {}] });
  });

  test.each([
    [['set', 'all'], 'nothing to change'],
    [['set', 'all', '--usd', '1/day', '--top-up', '1'], 'one change at a time'],
    [['set', 'all', '--raise', '1'], '--raise and --until go together'],
    [['set', 'all', '--until', '7d', '--top-up', '1'], '--raise and --until go together'],
    [['set', 'all', '--raise', '1', '--until', 'none'], 'a raise has an end'],
    [['set', 'all', '--usd', '1'], 'such as 25/month'],
    [['set', 'all', '--tokens', '1.5M/day'], 'such as 1000000/day'],
    [['set', 'all', '--top-up', '5e3'], 'Write dollars, such as 50, or tokens, such as 500k.'],
    [['set', 'all', '--top-up', '5k', '--measure', 'usd'], '5000 is an amount of tokens, not usd'],
    [['set', 'team', '--usd', '1/day'], '"team" is no target: write all, tenant/NAME'],
    [['reset', 'all', '--window', 'year'], 'Allowed choices are hour, day, week, month, total'],
    [['list', '--per', 'teams'], 'Allowed choices are all, tenant, team, user, key, model'],
  ])('%j ends with 2', async (args, message) => {
    const run = await offline()(args);
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain(message);
  });
});

test('in a gateway: who has used most of theirs comes first', async () => {
  const rules = [
    someBudget({ per: 'key', limit: fromUsd(10) }),
    someBudget({ per: 'all', limit: fromUsd(99), window: 'total' }),
  ];
  const book = createBudgetBook({ rules, clock: createFakeClock() });
  const live = createFakeLiveGateway({ budgets: book });
  await using lab = await openAdminLab({ way: 'remote', live });
  for (const [name, usd] of [
    ['ada', 2],
    ['bob', 9],
    ['eve', 5],
  ] as const) {
    const key = someKey({ id: `key${name}`, name });
    lab.store.keys.insert(key);
    book.reserve({ key, model: 'llama' }, amountOf(usd)).settle(amountOf(usd));
  }
  book.reserve({ key: someKey({ id: 'keyeve', name: 'eve' }), model: 'llama' }, amountOf(1));
  const run = (args: string[]) =>
    runCli(addBudgetsCommand, ['budgets', ...args, '--data-dir', lab.dataDir]);
  const listed = await run(['list']);
  expect(listed.err).toBe('');
  expect(listed.out).toBe(
    `TARGET   WINDOW  LIMIT  SPENT  HELD  LEFT  RESETS            FROM
all      total     $99    $16    $1   $82  -                 file
key/*    month     $10      -     -     -  -                 file
key/bob  month     $10     $9     -    $1  2026-12-01 00:00  file
key/eve  month     $10     $5    $1    $4  2026-12-01 00:00  file
key/ada  month     $10     $2     -    $8  2026-12-01 00:00  file
`,
  );
  await run(['reset', 'key/bob']);
  const shown = await run(['show', 'key/bob']);
  expect(shown.out).toContain('$0');
  expect(shown.out).toContain('reset $9');
});
