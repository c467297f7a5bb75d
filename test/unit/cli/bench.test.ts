import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addBenchCommand } from '../../../src/cli/bench.ts';
import { formatMs } from '../../../src/cli/bench-progress.ts';
import { runCli } from '../../support/run-cli.ts';
import { startTestMock, type TestMock } from '../../support/start-mock.ts';
import { testDir } from '../../support/test-dir.ts';

const SMALL = ['--num-prompts', '10', '--input-len', '4', '--output-len', '3'];

async function bench(mock: TestMock, args: readonly string[], env: Record<string, string> = {}) {
  const cwd = testDir();
  const run = await runCli(addBenchCommand, ['bench', '--url', mock.url, ...SMALL, ...args], {
    cwd,
    env,
  });
  return { ...run, cwd };
}

describe('usage', () => {
  test.each([
    [['--request-rate', '0'], 'from 0.001 to 1,000,000, or inf'],
    [['--request-rate', '-5'], 'from 0.001'],
    [['--request-rate', '1e9'], 'from 0.001'],
    [['--request-rate', '99999999'], 'from 0.001'],
    [['--request-rate', 'fast'], 'from 0.001'],
    [['--burstiness', '0'], '1 for Poisson'],
    [['--num-prompts', '0'], 'from 1 to 10,000,000'],
    [['--max-concurrency', '100000'], 'from 1 to 16,000'],
    [['--duration', '8d'], 'A week is the most'],
    [['--duration', '5'], 'has no unit'],
    [['--endpoint', 'rerank'], 'chat, completions or embeddings'],
    [['--header', 'Bearer sk-secret'], "'name: value'"],
    [['--header', 'Authorization: Bearer sk-secret'], 'can read a process list'],
    [['--header', 'x-api-key: sk-secret'], 'can read a process list'],
    [['--header', 'host: x'], 'writes it itself'],
    [['--api-key', 'sk-secret'], "unknown option '--api-key'"],
    [['--extra-body', '[1]'], 'Write a JSON object'],
    [['--assert', 'nonsense'], 'such as'],
    [['--goodput', 'ttft'], 'such as ttft:200'],
    [['--metric-percentiles', '100'], 'above 0 and below 100'],
    [['--url', 'nonsense'], 'not a URL'],
    [['--url', 'http://u:p@127.0.0.1:1'], 'does not belong in the URL'],
    [['--ramp-up-strategy', 'linear'], 'needs --ramp-up-start-rps'],
    [['--ramp-up-start-rps', '5'], 'needs --ramp-up-strategy'],
    [['--sweep', '--compare', 'http://127.0.0.1:1'], '--sweep and --compare'],
    [['--sweep', '--request-rate', '5'], 'finds the rate itself'],
    [['--sweep', '--duration', '1s'], '5s at least'],
    [['--speedup', '2'], 'for a trace'],
    [['--dataset-name', 'mooncake'], 'needs --dataset-path'],
    [['--dataset-path', 'absent.jsonl'], 'cannot read absent.jsonl: ENOENT'],
    [['--api-key-file', 'absent'], 'cannot read absent: ENOENT'],
  ])('%j ends with 2', async (args, message) => {
    const run = await runCli(addBenchCommand, ['bench', ...args], { cwd: testDir() });
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain(message);
    expect(run.err).not.toContain('sk-secret');
  });

  test('a data set tells its broken lines, names neutralised', async () => {
    const cwd = testDir();
    writeFileSync(join(cwd, 'evil\u001b[2J.jsonl'), '{"prompt":"a"}\nbroken\n');
    const args = ['bench', '--dataset-path', 'evil\u001b[2J.jsonl'];
    const run = await runCli(addBenchCommand, args, { cwd });
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain('evil\\x1b[2J.jsonl:2: this is not JSON');
    expect(run.err).not.toContain('\u001b');
  });

  test('an empty data set says so', async () => {
    const cwd = testDir();
    writeFileSync(join(cwd, 'empty.jsonl'), '\n');
    const run = await runCli(addBenchCommand, ['bench', '--dataset-path', 'empty.jsonl'], { cwd });
    expect(run).toMatchObject({ exitCode: 2 });
    expect(run.err).toContain('empty.jsonl: there is no request in it');
  });
});

describe('a run', () => {
  test('is a table for people, without a line of progress where stderr is no terminal', async () => {
    await using mock = await startTestMock();
    const run = await bench(mock, []);
    expect(run.exitCode).toBe(0);
    expect(run.err).not.toContain('\r');
    expect(run.out).toContain('10 sent, 10 completed');
    expect(run.out).toContain('40 in, 30 out; as the server reports them');
    expect(run.out).toMatch(/time to first token \(TTFT\) +[\d.]+ ms/);
  });

  test('is one JSON document', async () => {
    await using mock = await startTestMock();
    const run = await bench(mock, ['--json', '--metadata', 'gpu=none', '--seed', '7']);
    expect(JSON.parse(run.out)).toMatchObject({
      schema_version: 1,
      passed: true,
      metadata: { gpu: 'none' },
      settings: { seed: 7, num_prompts: 10, max_concurrency: 16 },
      runs: [{ completed: 10, total_output_tokens: 30 }],
    });
  });

  test('is a line of CSV for each run', async () => {
    await using mock = await startTestMock();
    const run = await bench(mock, ['-o', 'csv', '--compare', mock.url, '--rounds', '5']);
    const lines = run.out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(',')[0])).toEqual(['name', 'direct', 'gateway']);
  });

  test.each([
    [['--assert', 'failed<1'], 0, 'yes'],
    [['--assert', 'ttft_max<10m', '--assert', 'completed>=11'], 1, 'NO'],
    [['--assert', 'ttft_p99.9<10m'], 1, 'too few samples: p99.9 takes 3000'],
    [['--assert', 'added_ttft_p50<1ms'], 1, 'there is no --compare'],
  ])('%j ends with %d', async (args, exitCode, said) => {
    await using mock = await startTestMock();
    const run = await bench(mock, args);
    expect(run.exitCode).toBe(exitCode);
    expect(run.out).toContain(said);
  });

  test('in which nothing succeeded ends with 1 and says what happened', async () => {
    await using mock = await startTestMock({ behaviour: { fail_rate: 1, fail_status: 503 } });
    const run = await bench(mock, ['--model', 'm']);
    expect(run.exitCode).toBe(1);
    expect(run.err).toContain('no request was answered whole');
    expect(run.out).toMatch(/http_503 +10/);
  });

  test('whose time is over says what is missing from its times', async () => {
    await using mock = await startTestMock();
    mock.script({ ttft_ms: 60_000, times: 2 });
    const run = await bench(mock, ['--duration', '100ms', '--grace-period', '50ms']);
    expect(run.err).toContain('2 requests had not ended and are in none of the times');
  });

  test('writes its page and its details', async () => {
    await using mock = await startTestMock();
    const run = await bench(mock, ['--html', 'page.html', '--details', 'details.jsonl']);
    expect(run.exitCode).toBe(0);
    expect(readFileSync(join(run.cwd, 'page.html'), 'utf8')).toMatch(/^<!doctype html>/);
    const lines = readFileSync(join(run.cwd, 'details.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toHaveLength(10);
    expect(existsSync(join(run.cwd, 'other'))).toBe(false);
  });

  test('replays a trace in its own time', async () => {
    await using mock = await startTestMock();
    const cwd = testDir();
    const line = (timestamp: number) =>
      JSON.stringify({ timestamp, input_length: 20, output_length: 2, hash_ids: [1] });
    writeFileSync(join(cwd, 't.jsonl'), [0, 100, 200].map(line).join('\n'));
    const run = await runCli(
      addBenchCommand,
      [
        'bench',
        '--url',
        mock.url,
        '--dataset-name',
        'mooncake',
        '--dataset-path',
        't.jsonl',
        '--json',
      ],
      { cwd },
    );
    const { runs } = JSON.parse(run.out) as { runs: { duration: number; completed: number }[] };
    expect(runs[0]?.completed).toBe(3);
    expect(runs[0]?.duration).toBeGreaterThanOrEqual(0.2);
  });
});

describe('keys', () => {
  test.each([
    ['from the environment', {}, { LLMGATE_API_KEY: 'sk-env' }, 'sk-env'],
    ['from a file, which wins', { file: 'sk-file\n' }, { LLMGATE_API_KEY: 'sk-env' }, 'sk-file'],
  ])('%s', async (_, { file }: { file?: string }, env, key) => {
    await using mock = await startTestMock({ apiKey: key });
    const path = join(testDir(), 'key');
    if (file !== undefined) writeFileSync(path, file);
    const args = [...(file === undefined ? [] : ['--api-key-file', path]), '--json'];
    const run = await bench(mock, args, env);
    expect(run.exitCode).toBe(0);
    expect(run.out).not.toContain(key);
  });

  test('a wrong one ends with 4 and is not shown', async () => {
    await using mock = await startTestMock({ apiKey: 'right' });
    const run = await bench(mock, [], { LLMGATE_API_KEY: 'sk-wrong' });
    expect(run).toMatchObject({ out: '', exitCode: 4 });
    expect(run.err).toContain('refuses the key');
    expect(run.err).not.toContain('sk-wrong');
  });

  test("the caller's key is not shown to the server behind the gateway", async () => {
    await using gateway = await startTestMock({ apiKey: 'sk-caller' });
    await using direct = await startTestMock({ apiKey: 'sk-backend' });
    const env = { LLMGATE_API_KEY: 'sk-caller', LLMGATE_COMPARE_API_KEY: 'sk-backend' };
    const run = await bench(gateway, ['--compare', direct.url, '--rounds', '5'], env);
    expect(run.exitCode).toBe(0);
    expect(direct.requests().every(({ authorized }) => authorized)).toBe(true);
    const without = await bench(gateway, ['--compare', direct.url], {
      LLMGATE_API_KEY: 'sk-caller',
    });
    expect(without.exitCode).toBe(4);
  });
});

test.each([
  [null, '-'],
  [0.0123, '0.012 ms'],
  [1.234, '1.23 ms'],
  [12.34, '12.3 ms'],
  [1_234.5, '1235 ms'],
  [12_345, '12.3 s'],
])('%d is %s', (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});
