import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseKeyText } from '../../../src/access/key-format.ts';
import { addKeysCommand } from '../../../src/cli/keys.ts';
import { type AdminLab, createCountingRandom, openAdminLab } from '../../support/admin-lab.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { type CliRun, type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { someKey } from '../../support/some-key.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { testDir } from '../../support/test-dir.ts';

/** Runs `llmgate keys …` on a data directory that no gateway has open. */
function offline(dataDir: string): (args: string[], options?: RunCliOptions) => Promise<CliRun> {
  const system = { clock: createFakeClock(), random: createCountingRandom() };
  return (args, options) =>
    runCli(
      (program, io) => addKeysCommand(program, io, system),
      ['keys', ...args, '--data-dir', dataDir],
      options,
    );
}

function online(lab: AdminLab): (args: string[], options?: RunCliOptions) => Promise<CliRun> {
  return (args, options) =>
    runCli(addKeysCommand, ['keys', ...args, '--data-dir', lab.dataDir], options);
}

const FULL = [
  ...['--name', 'alice', '--user', 'a', '--team', 'search', '--tenant', 'acme'],
  ...['--models', 'llama-*,qwen', '--endpoints', 'chat,embeddings', '--expires', '90d'],
  ...['--rpm', '60', '--tpm', '1000', '--concurrency', '4', '--budget', '25.50/month'],
  ...['--max-output-tokens', '4096', '--token-budget', '1_500k/day', '--content', 'redacted'],
  ...['--tag', 'cost=42', '--tag', 'env=a=b'],
];

describe('create', () => {
  test('makes the data directory when there is none, and every flag arrives', async () => {
    const dataDir = join(testDir(), 'new');
    const run = await offline(dataDir)(['create', ...FULL, '--json']);
    expect(run).toMatchObject({ err: '', exitCode: 0 });
    const { id, key, ...rest } = JSON.parse(run.out);
    expect(parseKeyText(key)?.id).toBe(id);
    expect(rest).toEqual({
      name: 'alice',
      prefix: `sk-lg-${id}-`,
      status: 'active',
      created_at: '2026-11-18T10:30:00.000Z',
      expires_at: '2027-02-16T10:30:00.000Z',
      user: 'a',
      team: 'search',
      tenant: 'acme',
      models: ['llama-*', 'qwen'],
      endpoints: ['chat', 'embeddings'],
      limits: {
        requests_per_minute: 60,
        tokens_per_minute: 1000,
        concurrency: 4,
        max_output_tokens: 4096,
      },
      budget: { limit_usd: '25.5', window: 'month' },
      token_budget: { limit_tokens: 1_500_000, window: 'day' },
      tags: { cost: '42', env: 'a=b' },
      content: 'redacted',
      secrets: [{ created_at: '2026-11-18T10:30:00.000Z', expires_at: null }],
    });
  });

  test('keeps nothing of the text that it prints', async () => {
    const dataDir = testDir();
    const { out } = await offline(dataDir)(['create', '--name', 'alice', '--quiet']);
    const secret = parseKeyText(out.trim())?.secret ?? 'none';
    expect(out).toMatch(/^sk-lg-\S{51}\n$/);
    const bytes = await Bun.file(join(dataDir, 'llmgate.db')).text();
    expect(bytes).not.toContain(secret);
    expect((await offline(dataDir)(['show', 'alice', '--json'])).out).not.toContain(secret);
  });

  test('says once, and not on stdout, that the key is not shown again', async () => {
    const run = await offline(testDir())(['create', '--name', 'alice']);
    expect(run.out).toMatch(/^key {8}sk-lg-\S+\nname {7}alice\n/);
    expect(run.err).toBe('Store the key now: it is not shown again.\n');
  });

  test.each([
    [['--rpm', '0'], "error: option '--rpm <n>' argument '0' is invalid. Write a whole number"],
    [['--rpm', '1.5'], 'Write a whole number from 1'],
    [['--budget', '25'], 'such as 25/month'],
    [['--budget', '25/year'], 'windows are hour, day, week, month, total'],
    [['--token-budget', '1.5/day'], 'such as 1000000/day'],
    [['--token-budget', '5000'], 'windows are hour, day, week, month, total'],
    [['--max-output-tokens', '0'], 'Write a whole number from 1'],
    [['--content', 'some'], 'Write off, redacted, full, or "none"'],
    [['--expires', 'soon'], 'Write how long from now (90d, 24h)'],
    [['--expires', '2020-01-01'], 'expires_at: 2020-01-01T00:00:00.000Z is in the past'],
    [['--endpoints', 'chta'], '"chta" is no endpoint. Did you mean "chat"?'],
    [['--models', 'a,,b'], 'Write names with commas between'],
    [['--tag', 'cost'], 'Write NAME=VALUE.'],
    [['--nmae', 'x'], "unknown option '--nmae'"],
    [['-o', 'xml'], 'Allowed choices are table, json, csv, yaml'],
  ])('%j ends with 2 and makes nothing', async (args, message) => {
    const dataDir = join(testDir(), 'new');
    const run = await offline(dataDir)(['create', '--name', 'x', ...args]);
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain(message);
  });

  test('without a name says which flag is missing', async () => {
    const run = await offline(testDir())(['create']);
    expect(run).toMatchObject({ exitCode: 2, err: expect.stringContaining('--name <name>') });
  });

  test('a second key of the same name is refused with 1', async () => {
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    expect(await keys(['create', '--name', 'alice'])).toEqual({
      out: '',
      err: 'llmgate: there is already a key named "alice"\n',
      exitCode: 1,
    });
  });
});

describe('list and show', () => {
  test('a table at 80 columns', async () => {
    const keys = offline(testDir());
    await keys(['create', ...FULL]);
    await keys(['create', '--name', 'an-automation-with-a-rather-long-name', '--team', 'research']);
    await keys(['suspend', 'alice']);
    const run = await keys(['list'], { stdoutIsTty: true, env: { NO_COLOR: '1' } });
    expect(run.out).toBe(
      `NAME      ID            STATUS     USER  TEAM      TENANT  EXPIRES     MODELS
alice     BmNyZAlMxY9k  suspended  a     search    acme    2027-02-16  llama-*,…
an-auto…  zaBmNyZAlMxY  active     -     research  -       never       all
`,
    );
  });

  test('filters, oldest first, as CSV for a spreadsheet', async () => {
    const keys = offline(testDir());
    await keys(['create', '--name', '=cmd|x', '--team', 'search']);
    await keys(['create', '--name', 'b', '--team', 'research']);
    await keys(['create', '--name', 'c', '--team', 'search', '--models', 'x,y']);
    const { out } = await keys(['list', '--team', 'search', '-o', 'csv']);
    const [header, ...rows] = out.trimEnd().split('\r\n');
    expect(header).toMatch(/^id,name,prefix,status,created_at,expires_at,user,team,tenant,models/);
    expect(rows.map((row) => row.split(',')[1])).toEqual(["'=cmd|x", 'c']);
    expect(rows[1]).toContain(',x y,');
  });

  test('walks more keys than one page holds', async () => {
    await using temp = await openTempStore({ dataDir: testDir() });
    const { dataDir, store } = temp;
    for (let at = 0; at < 1001; at += 1) {
      const id = `K${String(at).padStart(11, '0')}`;
      store.keys.insert(someKey({ id, name: `key ${at}` }));
    }
    await store.close();
    const { out } = await offline(dataDir)(['list', '--json']);
    expect(JSON.parse(out).keys).toHaveLength(1001);
  });

  test('no keys is said on stderr, with what to do; the table stays empty', async () => {
    await using lab = await openAdminLab({ way: 'remote', live: createFakeLiveGateway() });
    expect(await online(lab)(['list'])).toEqual({
      out: '',
      err: 'There are no keys. Make one with: llmgate keys create --name alice\n',
      exitCode: 0,
    });
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    expect(await keys(['list', '--user', 'nobody'])).toEqual({
      out: '',
      err: 'No key matches.\n',
      exitCode: 0,
    });
    expect((await keys(['list', '--user', 'nobody', '--json'])).out).toBe('{\n  "keys": []\n}\n');
  });

  test('a key is found by its text, so that a leaked one can be named', async () => {
    const keys = offline(testDir());
    const { out } = await keys(['create', '--name', 'alice', '--quiet']);
    expect((await keys(['show', out.trim()])).out).toContain('name       alice\n');
    expect((await keys(['show', `${out.slice(0, 19)}…`])).out).toContain('name       alice\n');
  });
});

describe('change', () => {
  test('update sets, clears with "none", and leaves the rest', async () => {
    const keys = offline(testDir());
    await keys(['create', ...FULL]);
    const run = await keys([
      ...['update', 'alice', '--name', 'alicia', '--models', 'none', '--expires', 'none'],
      ...[
        '--rpm',
        'none',
        '--tpm',
        '5',
        '--budget',
        'none',
        '--tag',
        'env=',
        '--tag',
        'a=b',
        '--token-budget',
        'none',
        '--content',
        'none',
        '--json',
      ],
    ]);
    expect(JSON.parse(run.out)).toMatchObject({
      name: 'alicia',
      user: 'a',
      models: null,
      expires_at: null,
      endpoints: ['chat', 'embeddings'],
      limits: { requests_per_minute: null, tokens_per_minute: 5, concurrency: 4 },
      budget: null,
      token_budget: null,
      tags: { cost: '42', a: 'b' },
      content: null,
    });
  });

  test('update with nothing to do is a usage error, not a silent success', async () => {
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    expect(await keys(['update', 'alice'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('nothing to change'),
    });
  });

  test.each([
    [[], '2026-11-19T10:30:00.000Z'],
    [['--overlap', '2h'], '2026-11-18T12:30:00.000Z'],
  ])('rotate %j leaves the old secret until %s', async (args, until) => {
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    const { out } = await keys(['rotate', 'alice', ...args, '--json']);
    expect(JSON.parse(out).secrets[0].expires_at).toBe(until);
  });

  test('rotate --overlap 0 leaves only the new one', async () => {
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    const { out } = await keys(['rotate', 'alice', '--overlap', '0', '--json']);
    expect(JSON.parse(out).secrets).toHaveLength(1);
  });

  test.each(['show', 'update --user x', 'rotate', 'suspend', 'resume', 'revoke --yes'])(
    '%s of a key that is not there ends with 3',
    async (words) => {
      const keys = offline(testDir());
      await keys(['create', '--name', 'alice']);
      const [verb = '', ...flags] = words.split(' ');
      expect(await keys([verb, 'no\x1b[31mbody', ...flags])).toEqual({
        out: '',
        err: 'llmgate: no key has the id or name "no\\x1b[31mbody"\n',
        exitCode: 3,
      });
    },
  );
});

describe('revoke', () => {
  test.each([
    ['y', 'revoked', 0],
    ['YES', 'revoked', 0],
    ['', 'active', 1],
    ['n', 'active', 1],
  ])('asks on a terminal; %j leaves the key %s', async (answer, status, exitCode) => {
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return answer;
    };
    const run = await keys(['revoke', 'alice'], { ask });
    expect(run.exitCode).toBe(exitCode);
    expect(questions).toEqual([
      expect.stringMatching(/^Revoke key "alice" \(\w{12}\) for good\? \[y\/N\] $/),
    ]);
    const { out } = await keys(['list', '--status', status, '--json']);
    expect(JSON.parse(out).keys).toHaveLength(1);
  });

  test('without a terminal and without --yes nothing happens', async () => {
    const keys = offline(testDir());
    await keys(['create', '--name', 'alice']);
    expect(await keys(['revoke', 'alice'])).toMatchObject({ exitCode: 2 });
    expect((await keys(['revoke', 'alice', '--yes', '--json'])).exitCode).toBe(0);
  });
});

describe('where the keys are', () => {
  test('the running gateway is asked, and hears of the change', async () => {
    const live = createFakeLiveGateway();
    await using lab = await openAdminLab({ way: 'remote', live });
    const created = await online(lab)(['create', '--name', 'alice', '--json']);
    expect(created).toMatchObject({ exitCode: 0, err: '' });
    await online(lab)(['suspend', 'alice']);
    expect(live.told.map(({ name, status }) => [name, status])).toEqual([
      ['alice', 'active'],
      ['alice', 'suspended'],
    ]);
  });

  test('a directory held by a process that does not answer ends with 5', async () => {
    await using lab = await openAdminLab({ way: 'local' });
    const run = await online(lab)(['list']);
    expect(run.exitCode).toBe(5);
    expect(run.err).toMatch(/^llmgate: data directory \S+ is in use by process \d+/);
    expect(run.err).toContain('its admin socket is silent');
  });

  test.each(['list', 'show x', 'rotate x', 'revoke x --yes'])(
    '%s never makes a data directory',
    async (words) => {
      const dataDir = join(testDir(), 'nothing');
      const run = await offline(dataDir)(words.split(' '));
      expect(run.exitCode).toBe(3);
      expect(run.err).toContain(`there is no data directory at ${dataDir}`);
      expect(existsSync(dataDir)).toBe(false);
    },
  );

  test('without any flag it is llmgate-data in the current directory', async () => {
    const cwd = testDir();
    await runCli(addKeysCommand, ['keys', 'create', '--name', 'alice'], { cwd });
    expect(existsSync(join(cwd, 'llmgate-data', 'llmgate.db'))).toBe(true);
  });

  test('the configuration names it, relative to itself, even when a secret is missing', async () => {
    const home = testDir();
    const file = join(home, 'etc', 'gate.yaml');
    mkdirSync(join(home, 'etc'));
    writeFileSync(
      file,
      'data_dir: ../books\nbackends:\n  c: { type: openai, api_key: "${env:NOT_SET_HERE}" }\n',
    );
    const run = await runCli(addKeysCommand, ['keys', 'create', '--name', 'a', '-c', file], {
      cwd: testDir(),
    });
    expect(run.exitCode).toBe(0);
    expect(existsSync(join(home, 'books', 'llmgate.db'))).toBe(true);
    const byEnv = await runCli(addKeysCommand, ['keys', 'list', '--json'], {
      cwd: testDir(),
      env: { LLMGATE_CONFIG: file },
    });
    expect(JSON.parse(byEnv.out).keys).toHaveLength(1);
  });

  test.each([
    ['broken YAML', 'a: [', 78],
    ['a data_dir from the environment', 'data_dir: "${env:NOT_SET_HERE}"', 78],
  ])('%s ends with 78', async (_, text, exitCode) => {
    const file = join(testDir(), 'gate.yaml');
    writeFileSync(file, text);
    const run = await runCli(addKeysCommand, ['keys', 'list', '-c', file]);
    expect(run).toMatchObject({ out: '', exitCode });
    expect(run.err).toContain(`${file}:1`);
  });

  test('an interrupted command ends with 130', async () => {
    await using lab = await openAdminLab({ way: 'remote', live: createFakeLiveGateway() });
    const run = await online(lab)(['list'], { signal: AbortSignal.abort() });
    expect(run).toMatchObject({ out: '', exitCode: 130 });
  });
});
