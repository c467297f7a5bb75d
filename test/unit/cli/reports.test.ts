import { readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { LiveGateway } from '../../../src/admin/live-gateway.ts';
import { addBackendsCommand } from '../../../src/cli/backends.ts';
import type { CliIo } from '../../../src/cli/io.ts';
import { addLedgerCommand } from '../../../src/cli/ledger.ts';
import { addModelsCommand } from '../../../src/cli/models.ts';
import { addReloadCommand } from '../../../src/cli/reload.ts';
import { addStatusCommand } from '../../../src/cli/status.ts';
import { addUsageCommand } from '../../../src/cli/usage.ts';
import { addVersionCommand } from '../../../src/cli/version.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import { NO_USAGE } from '../../../src/core/usage.ts';
import { databasePath } from '../../../src/store/open-database.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { openAdminLab } from '../../support/admin-lab.ts';
import { createFakeLiveGateway } from '../../support/fake-live-gateway.ts';
import { aPrice } from '../../support/request-rows.ts';
import { type CliRun, type RunCliOptions, runCli } from '../../support/run-cli.ts';
import { aFinishedRow, aKey, anOpenRow, openTempStore } from '../../support/temp-store.ts';
import { testDir } from '../../support/test-dir.ts';

type Add = (program: Command, io: CliIo) => void;

/** Runs a command against a gateway that listens, which is where most of them make sense. */
async function ask(
  add: Add,
  args: readonly string[],
  options: RunCliOptions & { readonly live?: Partial<LiveGateway> } = {},
): Promise<CliRun> {
  await using lab = await openAdminLab({
    way: 'remote',
    live: createFakeLiveGateway(options.live),
  });
  return await runCli(add, [...args, '--data-dir', lab.dataDir], options);
}

describe('models', () => {
  test('a table of what callers can name', async () => {
    expect((await ask(addModelsCommand, ['models', 'list'])).out).toBe(
      `MODEL  ALIASES  TARGETS          IN $/M  OUT $/M  CONTEXT
llama  l        gpu0, cloud/big    0.12     0.36   131072
`,
    );
  });

  test('one model, by its alias', async () => {
    const { out } = await ask(addModelsCommand, ['models', 'show', 'l']);
    expect(out).toContain('name          llama\n');
    expect(out).toContain('cached input  $0.03 per million tokens\n');
    expect(out).toContain('max output    not known\n');
  });

  test('a model that is not there ends with 3', async () => {
    expect(await ask(addModelsCommand, ['models', 'show', 'x\x07'])).toEqual({
      out: '',
      err: 'llmgate: there is no model "x\\x07"\n',
      exitCode: 3,
    });
  });

  test('no models is said, with why', async () => {
    const run = await ask(addModelsCommand, ['models', 'list'], { live: { models: () => [] } });
    expect(run).toMatchObject({ out: '', exitCode: 0 });
    expect(run.err).toContain('No models yet');
  });
});

describe('backends', () => {
  test('a table that says why one is down', async () => {
    const run = await ask(addBackendsCommand, ['backends', 'list', '--color', 'always']);
    expect(Bun.stripANSI(run.out)).toBe(
      `BACKEND  TYPE  STATE  MODELS  IN FLIGHT  URL                    ERROR
gpu0     vllm  down        0          0  http://127.0.0.1:8000  connection refused
`,
    );
    expect(run.out).toContain('\x1b[31mdown \x1b[0m');
  });

  test('JSON has the same facts under stable names', async () => {
    const { out } = await ask(addBackendsCommand, ['backends', 'show', 'gpu0', '--json']);
    expect(JSON.parse(out)).toEqual(createFakeLiveGateway().backends()[0]);
  });

  test('what keeps requests away from one is told beside its state', async () => {
    const [plain] = createFakeLiveGateway().backends();
    if (plain === undefined) throw new Error('no backend');
    const backend: typeof plain = {
      ...plain,
      ...{ state: 'up', error: null, drained: true, breaker: 'half_open', in_flight: 3, places: 8 },
      engine: { running: 5, waiting: 2, kv_used: 0.254 },
      process: {
        ...{ state: 'failed', pid: null, starts: 2, crashes: 2, waiting: 0 },
        problem: 'it ended with code 1: out of memory',
      },
    };
    const live = { backends: () => [backend] };
    const { out } = await ask(addBackendsCommand, ['backends', 'show', 'gpu0'], { live });
    expect(out).toMatch(/^state +up, drained, breaker half open$/m);
    expect(out).toMatch(/^in flight +3 of 8$/m);
    expect(out).toMatch(/^engine +5 running, 2 waiting, cache 25 % full$/m);
    expect(out).toMatch(/^process +failed: it ended with code 1: out of memory$/m);
    const list = await ask(addBackendsCommand, ['backends', 'list'], { live });
    expect(list.out).toContain('up, drained, breaker half open');
  });

  test('a backend that is not there ends with 3', async () => {
    expect((await ask(addBackendsCommand, ['backends', 'show', 'gpu9'])).exitCode).toBe(3);
  });
});

describe('status and reload', () => {
  test('status says what the gateway does, and of the ledger only what matters', async () => {
    expect((await ask(addStatusCommand, ['status'])).out).toBe(
      `version     0.1.0
listen      http://127.0.0.1:8080
config      /etc/llmgate/config.yaml
generation  3
started     2026-11-18T10:00:00.000Z
state       serving
in flight   2
requests    110, 7 without a valid key
ledger      100 settled in 40 commits, 0 queued
budgets     2 holds of $0.5, 4 refused
`,
    );
  });

  test('reload says which configuration is in use now', async () => {
    expect(await ask(addReloadCommand, ['reload'])).toEqual({
      out: 'configuration 4 is in use\n',
      err: '',
      exitCode: 0,
    });
  });

  test('a refused reload ends with 78, the problems line by line and neutral', async () => {
    const problems = 'llmgate.yaml:3:1: unknown key "x\x1b[2J"\n  3 | x\n    | ^';
    const live = { reload: async () => ({ ok: false, generation: 3, problems }) };
    expect(await ask(addReloadCommand, ['reload'], { live })).toEqual({
      out: '',
      err: `llmgate: the configuration was not changed
llmgate.yaml:3:1: unknown key "x\\x1b[2J"
  3 | x
    | ^
`,
      exitCode: 78,
    });
  });

  test.each([
    { add: addStatusCommand, words: 'status' },
    { add: addReloadCommand, words: 'reload' },
    { add: addModelsCommand, words: 'models list' },
    { add: addBackendsCommand, words: 'backends show x' },
  ])('without a gateway $words ends with 5 and touches nothing', async ({ add, words }) => {
    const dataDir = testDir();
    const run = await runCli(add, [...words.split(' '), '--data-dir', dataDir]);
    expect(run).toMatchObject({ out: '', exitCode: 5 });
    expect(run.err).toContain(`no gateway is running on ${dataDir}`);
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

describe('usage and the ledger, on a store with requests in it', () => {
  test('by model as a table, with a total; what had no price is said', async () => {
    const run = await onBooks(addUsageCommand, ['usage', '--since', '2026-11']);
    expect(run.out).toBe(
      `MODEL  REQUESTS  ERRORS      INPUT  CACHED  OUTPUT  COST USD  TTFT MS
big           1       0  1,200,000       0      30  0.000123        -
small         1       1          0       0       0         -        -
-----  --------  ------  ---------  ------  ------  --------  -------
total         2       1  1,200,000       0      30  0.000123        -
`,
    );
    expect(run.err).toBe('1 request has no price; its cost is unknown and not in the sum.\n');
  });

  test('JSON in the shape that scripts depend on', async () => {
    const run = await onBooks(addUsageCommand, [
      ...['usage', '--by', 'key,tag:env', '--since', '2026-11-20', '--until', '2026-11-20'],
      ...['--where', 'model=big', '--json'],
    ]);
    expect(run.err).toBe('');
    const counters = {
      requests: 1,
      errors: 0,
      input_tokens: 1_200_000,
      cached_input_tokens: 0,
      cache_write_tokens: 0,
      audio_input_tokens: 0,
      image_input_tokens: 0,
      output_tokens: 30,
      reasoning_tokens: 0,
      audio_output_tokens: 0,
      image_output_tokens: 0,
      gpu_seconds: 0,
      cost_usd: '0.000123',
      unpriced: 0,
      estimated: 0,
      estimated_cost_usd: '0',
      ttft_ms_p50: null,
    };
    expect(JSON.parse(run.out)).toEqual({
      since: '2026-11-20T00:00:00.000Z',
      until: '2026-11-21T00:00:00.000Z',
      rows: [{ key: 'K00000000001', key_name: 'alice', 'tag:env': 'prod', ...counters }],
      total: counters,
    });
  });

  test('CSV has its header even without rows', async () => {
    const run = await onBooks(addUsageCommand, [
      ...['usage', '--by', 'user', '--since', '2025-01', '--until', '2025-01', '-o', 'csv'],
    ]);
    expect(run.out).toMatch(/^user,requests,errors,input_tokens,[a-z_,0-9]+\r\n$/);
  });

  test('a mistake in a dimension ends with 2 and the words that would do', async () => {
    const run = await onBooks(addUsageCommand, ['usage', '--by', 'modle']);
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain('there are key, user, team');
  });

  test('ledger check ends with 0 when all agree', async () => {
    const run = await onBooks(addLedgerCommand, ['ledger', 'check', '--json']);
    expect(JSON.parse(run.out)).toEqual({
      ok: true,
      requests: 2,
      open: 0,
      cost_usd: '0.000123',
      estimated: 0,
      estimated_cost_usd: '0',
      problems: [],
    });
    expect(run).toMatchObject({ err: '', exitCode: 0 });
  });

  test('and with 1 when the running gateway counts differently', async () => {
    const live = { checkLive: async () => ['alice has spent $1 by the counter, $2 by the rows.'] };
    const run = await ask(addLedgerCommand, ['ledger', 'check'], { live });
    expect(run.exitCode).toBe(1);
    expect(run.out).toContain('result     1 problem\n');
    expect(run.out).toContain('problem    alice has spent $1 by the counter, $2 by the rows.\n');
  });

  test('ledger rebuild says what it did, and ends with 1 when counters still differ', async () => {
    expect(await onBooks(addLedgerCommand, ['ledger', 'rebuild'])).toEqual({
      out: 'result    every sum was right\nrequests  2\n',
      err: '',
      exitCode: 0,
    });
    const live = { checkLive: async () => ['alice has spent $1 by the counter, $2 by the rows.'] };
    const run = await ask(addLedgerCommand, ['ledger', 'rebuild', '--json'], { live });
    expect(JSON.parse(run.out)).toMatchObject({
      corrected_sums: 0,
      problems: [expect.stringContaining('alice')],
    });
    expect(run.exitCode).toBe(1);
  });

  test('a sum that is wrong is told of with the way to put it right', async () => {
    const dataDir = testDir();
    const { store } = await openTempStore({ dataDir });
    await store.ledger.settle(aFinishedRow(), []);
    await store.books.spend(0);
    await store.close();
    const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 1_000, mustExist: true });
    db.exec('UPDATE usage_sums SET requests = 2');
    db.close();
    const words = (verb: string) => ['ledger', verb, '--data-dir', dataDir];
    const wrong = await runCli(addLedgerCommand, words('check'));
    expect(wrong.exitCode).toBe(1);
    expect(wrong.out).toContain('result     3 problems\n');
    expect(wrong.err).toContain('put right by "llmgate ledger rebuild"');
    const rebuilt = await runCli(addLedgerCommand, words('rebuild'));
    expect(rebuilt.out).toContain('result    3 sums put right\n');
    expect((await runCli(addLedgerCommand, words('check'))).exitCode).toBe(0);
  });
});

/** Runs a command on a store that holds one priced request and one refused without a price. */
async function onBooks(add: Add, args: readonly string[]): Promise<CliRun> {
  await using lab = await openAdminLab({ way: 'remote', live: createFakeLiveGateway() });
  const { store } = lab;
  store.keys.insert(aKey({ id: 'K00000000001', name: 'alice' }));
  const startedAtMs = Date.UTC(2026, 10, 20, 9, 15);
  const times = { startedAtMs, finishedAtMs: startedAtMs + 100, ttftMs: null };
  const served = { id: Bun.randomUUIDv7(), model: 'big', tags: { env: 'prod' }, ...times };
  await store.ledger.open(anOpenRow({ ...served }));
  await store.ledger.settle(
    aFinishedRow({
      ...served,
      usage: {
        ...NO_USAGE,
        inputTokens: 1_200_000,
        cachedInputTokens: 0,
        outputTokens: 30,
        reasoningTokens: 0,
      },
      price: aPrice({ input: 100, cachedInput: 100, output: 100_000, reasoning: 100_000 }),
      costNanoUsd: nanoUsd(123_000),
    }),
    [],
  );
  const refused = { outcome: 'refused', code: 'rate_limit_exceeded', status: 429 } as const;
  await store.ledger.settle(
    aFinishedRow({
      ...times,
      ...refused,
      backend: null,
    }),
    [],
  );
  return await runCli(add, [...args, '--data-dir', lab.dataDir]);
}

test('version says what is inside', async () => {
  const { out } = await runCli(addVersionCommand, ['version', '--json']);
  expect(JSON.parse(out)).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    commit: null,
    target: expect.stringMatching(/^\w+-\w+$/),
    built_at: null,
    bun: Bun.version,
    sqlite: expect.stringMatching(/^3\.\d+\.\d+$/),
  });
  const plain = await runCli(addVersionCommand, ['version']);
  expect(plain.out).toMatch(/^llmgate \S+ \(from source, \S+, Bun \S+, SQLite 3\.\S+\)\n$/);
});

describe('backends drain', () => {
  test('asks first, then says what is left', async () => {
    const asked: string[] = [];
    const run = await ask(addBackendsCommand, ['backends', 'drain', 'gpu0'], {
      ask: async (question) => {
        asked.push(question);
        return 'y';
      },
    });
    expect(run).toEqual({
      out: 'backend    gpu0\nstate      drained\nin flight  0\n',
      err: '',
      exitCode: 0,
    });
    expect(asked).toEqual(['Send backend "gpu0" no new requests? [y/N] ']);
  });

  test.each([
    [['drain', 'gpu0'], {}, 'nobody is there to ask', 2],
    [['drain', 'gpu0'], { ask: async () => 'n' }, 'nothing was drained', 1],
    [['drain', 'gpu9', '--yes'], {}, 'there is no backend "gpu9"', 3],
    [['resume', 'gpu9'], {}, 'there is no backend "gpu9"', 3],
  ])('%j %j: %s', async (args, options, message, exitCode) => {
    const run = await ask(addBackendsCommand, ['backends', ...args], options);
    expect(run).toMatchObject({ out: '', exitCode });
    expect(run.err).toContain(message);
  });
});
