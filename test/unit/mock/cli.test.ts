import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { CliIo } from '../../../src/cli/io.ts';
import { addMockCommand } from '../../../src/cli/mock.ts';
import { runProgram } from '../../../src/cli/run-program.ts';
import { createRecordedIo, runCli } from '../../support/run-cli.ts';

/** Runs `llmgate mock` with these flags until `use` is through with it. */
async function withMock(flags: string[], use: (url: string) => Promise<void>, env = {}) {
  const stop = new AbortController();
  const { io, run } = createRecordedIo({ signal: stop.signal, env, cwd: tmpdir() });
  const ready = Promise.withResolvers<string>();
  const listening: CliIo = {
    ...io,
    err(text) {
      io.err(text);
      const url = /^llmgate mock listens on (http:\/\/\S+)\n$/.exec(text)?.[1];
      if (url === undefined) ready.reject(new Error(text));
      else ready.resolve(url);
    },
  };
  const program = new Command('llmgate');
  addMockCommand(program, listening);
  const ended = runProgram(program, ['mock', '--listen', '127.0.0.1:0', ...flags], listening);
  try {
    await use(await ready.promise);
  } finally {
    stop.abort();
    await ended;
  }
  return run;
}

function chat(url: string, fields: object = {}, headers: Record<string, string> = {}) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], ...fields }),
  });
}

async function tokensOf(reply: Response): Promise<unknown> {
  const { usage } = (await reply.json()) as { usage: { completion_tokens: number } };
  return usage.completion_tokens;
}

describe('llmgate mock', () => {
  test('says where it is, answers, and ends on a signal', async () => {
    const run = await withMock(['--tokens', '7'], async (url) => {
      expect(await tokensOf(await chat(url))).toBe(7);
    });
    expect(run).toMatchObject({ out: '', exitCode: 0 });
  });

  test('models, key, context', async () => {
    const flags = ['--model', 'a', '--model', 'b', '--api-key', 'k', '--context', '20'];
    await withMock(flags, async (url) => {
      const authorization = 'Bearer k';
      for (const headers of [{}, { authorization: 'Bearer x' }, { 'x-api-key': 'kk' }]) {
        expect((await chat(url, { model: 'a' }, headers)).status).toBe(401);
      }
      expect((await chat(url, { model: 'a' }, { 'x-api-key': 'k' })).status).toBe(200);
      expect((await chat(url, { model: 'a' }, { authorization })).status).toBe(200);
      expect((await chat(url, { model: 'c' }, { authorization })).status).toBe(404);
      expect((await chat(url, { model: 'b', max_tokens: 30 }, { authorization })).status).toBe(400);
      const list = await fetch(`${url}/v1/models`, { headers: { authorization } });
      expect(await list.text()).toContain('"max_model_len":20');
    });
  });

  test('the key can come from the environment, where no process list shows it', async () => {
    const use = async (url: string) => expect((await chat(url)).status).toBe(401);
    await withMock([], use, { LLMGATE_MOCK_API_KEY: 'k' });
  });

  test('--set is any behaviour; a flag of its own wins', async () => {
    const set = '{"tokens":3,"reasoning_tokens":2}';
    await withMock(['--set', set, '--tokens', '4-4'], async (url) => {
      expect(await tokensOf(await chat(url))).toBe(6);
    });
  });

  test('--script is for the first requests', async () => {
    using folder = new DisposableStack();
    const path = join(mkdtempSync(join(tmpdir(), 'mock-')), 'script.json');
    folder.defer(() => rmSync(dirname(path), { recursive: true }));
    writeFileSync(path, '[{"fault":{"kind":"loading"}},{"tokens":1}]');
    await withMock(['--script', path], async (url) => {
      expect((await chat(url)).status).toBe(503);
      expect(await tokensOf(await chat(url))).toBe(1);
      expect(await tokensOf(await chat(url))).toBe(16);
    });
  });

  test('every other flag is taken', async () => {
    const flags =
      '--any-model --ttft 1ms --prefill 1e9 --tps 1000.5 --tokens-per-chunk 2 --jitter 10% ' +
      '--latency p50=1ms,p90=1ms,p95=1ms,p99=2ms --fail 0% --fail-status 503 --max-concurrent 9 ' +
      '--max-queued 0 --seed 3 --log-requests 5';
    await withMock(flags.replace('1e9', '1000000').split(' '), async (url) => {
      expect((await chat(url)).status).toBe(200);
    });
  });
});

describe('a bad flag ends with 2 and says why', () => {
  const bad: [string[], string][] = [
    [['--listen', '9001'], 'not a host and a port'],
    [['--ttft', '20'], '"20" has no unit'],
    [['--tps', 'fast'], 'Write a number, such as 50.'],
    [['--tokens', '5-'], 'Write a number or a range'],
    [['--tokens', '9-2'], 'Write a number or a range'],
    [['--jitter', '110%'], 'Write a percentage'],
    [['--latency', 'p50=1s,p90=100ms'], 'Percentiles must rise'],
    [['--latency', 'p75=1s'], 'Write percentiles'],
    [['--fail-status', '200'], 'from 400 to 599'],
    [['--max-concurrent', '0'], 'a whole number from 1'],
    [['--model', ''], 'needs a name'],
    [['--set', '{'], 'not JSON'],
    [['--set', '{"tsp":1}'], 'Unrecognized key: "tsp"'],
    [['--script', '/nowhere.json'], '/nowhere.json: '],
    [['--speed', '3'], "unknown option '--speed'"],
  ];

  test.each(bad)('%j', async (flags, message) => {
    const run = await runCli(addMockCommand, ['mock', '--listen', '127.0.0.1:0', ...flags]);
    expect(run).toMatchObject({ out: '', exitCode: 2 });
    expect(run.err).toContain(message);
    expect(run.err).not.toContain('this is a bug');
  });

  test('a port that is taken ends with 1', async () => {
    await withMock([], async (url) => {
      const run = await runCli(addMockCommand, ['mock', '--listen', new URL(url).host]);
      expect(run.exitCode).toBe(1);
      expect(run.err).toContain('cannot listen on 127.0.0.1:');
    });
  });

  test('help begins with examples and fits 80 columns', async () => {
    const run = await runCli(addMockCommand, ['mock', '--help']);
    expect(run.out).toMatch(/^Examples:\n {2}llmgate mock/);
    for (const line of run.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
