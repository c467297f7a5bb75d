import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BenchResultSchema } from '../../src/bench/result-schema.ts';
import { LlmgateProcess, runLlmgate } from '../support/llmgate-process.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { startTestMock } from '../support/start-mock.ts';
import { testDir } from '../support/test-dir.ts';

// The compiled llmgate puts load on a server whose counts and times are known.

const SMALL = ['--input-len', '6', '--output-len', '5'];

async function bench(args: readonly string[], env: Record<string, string> = {}) {
  const cwd = testDir();
  const run = await runLlmgate(['bench', ...SMALL, ...args], { cwd, env });
  return { ...run, cwd };
}

function parse(stdout: string) {
  return BenchResultSchema.parse(JSON.parse(stdout));
}

describe('against a mock that is a process of its own', () => {
  test('the figures are what it was told to be', async () => {
    const cwd = testDir();
    await using mock = new LlmgateProcess(
      ['mock', '--listen', '127.0.0.1:0', '--ttft', '40ms', '--tps', '100'],
      { cwd },
    );
    const [, url = ''] = await mock.untilLine(/listens on (http:\S+)/);
    const args = ['--url', url, '--num-prompts', '60', '--request-rate', '100', '--seed', '5'];
    const run = await bench([...args, '--html', 'page.html', '-o', 'json']);
    expect(run).toMatchObject({ code: 0 });
    const { runs, passed } = parse(run.stdout);
    const [only] = runs;
    expect(passed).toBe(true);
    expect(only).toMatchObject({
      sent: 60,
      completed: 60,
      failed: 0,
      request_rate: 100,
      total_input_tokens: 360,
      total_output_tokens: 300,
      answers_with_usage: 60,
      count_itl: 240,
    });
    // 40 ms, then four gaps of 10 ms. A busy machine makes it more, nothing makes it less.
    expect(only?.['min_ttft_ms']).toBeGreaterThan(38);
    expect(only?.['min_e2el_ms']).toBeGreaterThan(77);
    expect(only?.['p50_e2el_ms']).toBeGreaterThanOrEqual(Number(only?.['p50_ttft_ms']));
    // The last request is due at n/rate.
    expect(only?.duration).toBeGreaterThan(0.63);
    expect(readFileSync(join(run.cwd, 'page.html'), 'utf8')).toContain('<svg');

    const stats = (await (await fetch(`${url}/mock/stats`)).json()) as { requests: number };
    expect(stats.requests).toBe(60);
  });
});

test('through a gateway and direct: the same requests, each with its own key', async () => {
  await using mock = await startTestMock({ models: ['m'], apiKey: 'sk-behind' });
  using lab = new ServeLab(
    `backends:\n  gpu0: { type: vllm, url: "${mock.url}", api_key: "\${file:./key}" }`,
  );
  writeFileSync(join(lab.folder, 'key'), 'sk-behind', { mode: 0o600 });
  await using served = await lab.serve();
  const { key } = await lab.createKey('bench');
  const args = ['--url', served.url, '--compare', mock.url, '--num-prompts', '60', '--rounds', '6'];
  const run = await bench([...args, '-o', 'json'], {
    LLMGATE_API_KEY: key,
    LLMGATE_COMPARE_API_KEY: 'sk-behind',
  });
  expect(run).toMatchObject({ code: 0 });
  const { runs, comparison } = parse(run.stdout);
  expect(runs.map(({ name, completed }) => [name, completed])).toEqual([
    ['direct', 60],
    ['gateway', 60],
  ]);
  expect(comparison).toMatchObject({ rounds: 6, pairs: 60 });
  const figures = comparison?.differences.map(({ figure }) => figure);
  expect(figures).toEqual(expect.arrayContaining(['added_mean_ttft_ms', 'added_p50_e2el_ms']));
  for (const { low_ms, high_ms } of comparison?.differences ?? []) {
    expect(low_ms).toBeLessThanOrEqual(high_ms);
  }
  expect(run.stdout + run.stderr).not.toContain(key);
  expect(mock.requests().filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(120);
});

test('Ctrl-C prints what was measured and ends with 130', async () => {
  await using mock = await startTestMock();
  mock.script({ times: 5 }, { ttft_ms: 60_000, times: 1_000 });
  const args = ['bench', '--url', mock.url, '--num-prompts', '500', '-o', 'json', ...SMALL];
  await using running = new LlmgateProcess(args, { cwd: testDir() });
  // Sixteen places: five that were answered, and the sixteen after them.
  await mock.untilRequests(21);
  running.signal('SIGINT');
  expect(await running.exited).toBe(130);
  await running.stop();
  const { runs, was_interrupted } = parse(running.stdout);
  expect(was_interrupted).toBe(true);
  expect(runs[0]).toMatchObject({ completed: 5, stop_reason: 'interrupted' });
  expect(runs[0]?.sent).toBe(5 + Number(runs[0]?.incomplete));
});

describe('exit codes', () => {
  test('a condition that is not kept ends with 1, and the result is printed all the same', async () => {
    await using mock = await startTestMock();
    const run = await bench(['--url', mock.url, '--num-prompts', '5', '--assert', 'completed>5']);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('5 sent, 5 completed');
    expect(run.stdout).toMatch(/completed>5 +5 +NO/);
  });

  test('a server that only fails ends with 1', async () => {
    await using mock = await startTestMock({ behaviour: { fault: { kind: 'html' } } });
    const run = await bench(['--url', mock.url, '--num-prompts', '5', '--model', 'm']);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/wrong_content_type +5/);
    expect(run.stderr).toContain('no request was answered whole');
  });

  test('a server that is not there ends with 5', async () => {
    const mock = await startTestMock();
    await mock.stop();
    const run = await bench(['--url', mock.url]);
    expect(run).toMatchObject({ code: 5, stdout: '' });
    expect(run.stderr).toContain('cannot reach');
  });
});
