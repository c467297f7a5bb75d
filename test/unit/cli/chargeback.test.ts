import { describe, expect, test } from 'vitest';
import type { UsageDocument } from '../../../src/admin/books-schemas.ts';
import { addUsageCommand } from '../../../src/cli/usage.ts';
import { systemRandom } from '../../../src/core/clock.ts';
import { nanoUsd } from '../../../src/core/money.ts';
import { NO_USAGE } from '../../../src/core/usage.ts';
import type { FinishedRow } from '../../../src/store/rows.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { randomRow } from '../../support/random-rows.ts';
import { aPrice } from '../../support/request-rows.ts';
import { type CliRun, runCli } from '../../support/run-cli.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';
import { aFinishedRow, aKey, openTempStore } from '../../support/temp-store.ts';
import { testDir } from '../../support/test-dir.ts';

const NOVEMBER_MS = Date.UTC(2026, 10, 1);
const DAY_MS = 24 * 3_600_000;

const price = aPrice({ input: 1_000_000, output: 2_000_000 });

/** What the columns of the tests below are made of. */
const ROWS: readonly Partial<FinishedRow>[] = [
  {
    team: 'search',
    model: 'big',
    price,
    usage: {
      inputTokens: 1_000,
      cachedInputTokens: 100,
      cacheWriteTokens: 20,
      audioInputTokens: 3,
      imageInputTokens: 4,
      outputTokens: 2_000,
      reasoningTokens: 500,
      audioOutputTokens: 60,
      imageOutputTokens: 7,
    },
    gpuUs: 1_500_000,
    costNanoUsd: nanoUsd(5_000_000),
  },
  {
    team: 'search',
    model: 'big',
    price,
    usage: { ...NO_USAGE, inputTokens: 10 },
    estimated: true,
    costNanoUsd: nanoUsd(10_000),
  },
  { team: '=cmd|"/c calc"!A1', model: '+big', usage: { ...NO_USAGE, outputTokens: 9 } },
  { team: null, model: 'small', price, costNanoUsd: nanoUsd(0) },
  // The last moment before the month, and the first after it.
  { team: 'search', startedAtMs: NOVEMBER_MS - 1 },
  { team: 'search', startedAtMs: NOVEMBER_MS + 30 * DAY_MS },
];

async function onBooks(rows: readonly FinishedRow[], args: readonly string[]): Promise<CliRun> {
  const dataDir = testDir();
  const { store } = await openTempStore({ dataDir });
  store.keys.insert(aKey({ id: 'K1', name: 'alice' }));
  await Promise.all(rows.map((row) => store.ledger.settle(row, [])));
  await store.close();
  const clock = createFakeClock(NOVEMBER_MS + 34 * DAY_MS);
  return await runCli(
    (program, io) => addUsageCommand(program, io, { clock, random: systemRandom }),
    [...args, '--data-dir', dataDir],
  );
}

const someRows = ROWS.map((row) =>
  aFinishedRow({ keyId: 'K1', startedAtMs: NOVEMBER_MS + 5 * DAY_MS, ...row }),
);

const month = ['usage', 'chargeback', '--month', '2026-11'];

describe('chargeback', () => {
  test('a CSV with stable columns, buckets that add up, and nothing a spreadsheet would run', async () => {
    const run = await onBooks(someRows, [...month, '-o', 'csv']);
    expect(run).toMatchObject({ err: '', exitCode: 0 });
    const columns =
      'line,month,team,model,requests,text_input_tokens,cached_input_tokens,cache_write_tokens,' +
      'audio_input_tokens,image_input_tokens,text_output_tokens,reasoning_tokens,' +
      'audio_output_tokens,image_output_tokens,gpu_seconds,cost_usd,estimated_requests,' +
      'estimated_cost_usd,unpriced_requests';
    expect(run.out.split('\r\n')).toEqual([
      columns,
      `item,2026-11,"'=cmd|""/c calc""!A1",'+big,1,0,0,0,0,0,9,0,0,0,0,,0,,1`,
      'item,2026-11,search,big,2,883,100,20,3,4,1433,500,60,7,1.5,0.00501,1,0.00001,0',
      'item,2026-11,,small,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0',
      'total,2026-11,,,4,883,100,20,3,4,1442,500,60,7,1.5,0.00501,1,0.00001,1',
      '',
    ]);
  });

  test('the columns are there without a request', async () => {
    const run = await onBooks([], [...month, '-o', 'csv', '--by', 'key']);
    expect(run.out).toMatch(
      /^line,month,key,key_name,model,requests,.*\r\ntotal,2026-11,,,,0,.*\r\n$/,
    );
  });

  test('a table for people', async () => {
    const run = await onBooks(someRows, [...month, '--by', 'key']);
    expect(run.out).toBe(
      `KEY    MODEL  REQUESTS  INPUT  OUTPUT  COST USD  ESTIMATED USD  UNPRICED
alice  +big          1      0       9         -              -         1
alice  big           2  1,010   2,000   0.00501        0.00001         0
alice  small         1      0       0         0              0         0
-----  -----  --------  -----  ------  --------  -------------  --------
total                4  1,010   2,009   0.00501        0.00001         1
`,
    );
  });

  test.each(['team', 'tenant', 'user', 'key'])(
    'by %s the total is that of usage, and the lines add up to it',
    async (by) => {
      const random = createSeededRandom(5);
      const rows = Array.from({ length: 300 }, () =>
        randomRow(random, NOVEMBER_MS - 3 * DAY_MS, 40 * DAY_MS),
      );
      const charged = JSON.parse((await onBooks(rows, [...month, '--by', by, '--json'])).out);
      const usage: UsageDocument = JSON.parse(
        (await onBooks(rows, ['usage', '--since', '2026-11', '--until', '2026-11', '--json'])).out,
      );
      const { total } = charged;
      expect({
        requests: total.requests,
        cost_usd: total.cost_usd,
        estimated: total.estimated_requests,
        estimated_cost_usd: total.estimated_cost_usd,
        unpriced: total.unpriced_requests,
        input_tokens:
          total.text_input_tokens +
          total.cached_input_tokens +
          total.cache_write_tokens +
          total.audio_input_tokens +
          total.image_input_tokens,
      }).toEqual({
        requests: usage.total.requests,
        cost_usd: usage.total.cost_usd,
        estimated: usage.total.estimated,
        estimated_cost_usd: usage.total.estimated_cost_usd,
        unpriced: usage.total.unpriced,
        input_tokens: usage.total.input_tokens,
      });
      const inNanoUsd = (usd: string | null) => Math.round(Number(usd ?? 0) * 1e9);
      const sum = (of: (row: typeof total) => number) =>
        charged.rows.reduce((all: number, row: typeof total) => all + of(row), 0);
      expect(sum((row) => inNanoUsd(row.cost_usd))).toBe(inNanoUsd(total.cost_usd));
      expect(sum((row) => row.text_output_tokens)).toBe(total.text_output_tokens);
      const lines = charged.rows.map((row: typeof total) => `${row[by] ?? '~'} ${row.model}`);
      expect(lines).toEqual(lines.toSorted());
      expect(new Set(lines).size).toBe(lines.length);
    },
  );

  test.each([
    ['2026-13', 2],
    ['2026-11-20', 2],
    ['7d', 2],
  ])('--month %s ends with %i', async (text, exitCode) => {
    const run = await onBooks([], ['usage', 'chargeback', '--month', text]);
    expect(run).toMatchObject({ out: '', exitCode });
    expect(run.err).toContain(`--month: "${text}" is no month`);
  });

  test('a month that runs is said to, and an option of usage is not one of chargeback', async () => {
    const run = await onBooks([], ['usage', 'chargeback', '--month', 'this-month']);
    expect(run.err).toContain('The month is not over yet.');
    const wrong = await onBooks([], ['usage', 'chargeback', '--since', 'today']);
    expect(wrong).toMatchObject({ out: '', exitCode: 2 });
  });
});
