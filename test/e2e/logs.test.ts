import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { llmgateBinary } from '../support/llmgate-binary.ts';
import { RunningProcess } from '../support/running-process.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { startTestMock } from '../support/start-mock.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** One sample of the page of metrics. */
async function metric(lab: ServeLab, name: string): Promise<number> {
  const unix = join(lab.dataDir, 'admin.sock');
  const page = await (await fetch('http://gateway/metrics', { unix })).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1]);
}

function ask(url: string, key: string): Promise<Response> {
  return fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
}

async function askOften(url: string, key: string, times: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  const run = async () => {
    for (let at = 0; at < times / 25; at += 1) statuses.add((await ask(url, key)).status);
  };
  await Promise.all(Array.from({ length: 25 }, run));
  return statuses;
}

interface Unread extends AsyncDisposable {
  readonly url: string;
}

/** `serve` with a reader of its log that takes the first line, and then does what it is told. */
async function serveWithReader(
  lab: ServeLab,
  then: (reader: { cancel(): Promise<void> }) => void | Promise<void>,
): Promise<Unread> {
  const child = Bun.spawn([llmgateBinary(), 'serve'], {
    ...{ cwd: lab.folder, env: {}, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
  });
  const reader = child.stderr.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  const url = / on (http:\S+),/.exec(first)?.[1];
  if (url === undefined) throw new Error(`it began with ${first}`);
  await then(reader);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      expect(await child.exited).toBe(0);
    },
  };
}

test('a request is one line with who, what, how it ended, tokens, money and times', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(
    [
      `backends: { gpu0: { type: vllm, url: "${mock.url}" } }`,
      'models: { small: { targets: [gpu0], price: { input: 1, output: 2 } } }',
    ].join('\n'),
  );
  await using served = await lab.serve();
  const key = await lab.createKey('caller');
  const response = await fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'canary' }] }),
  });
  await response.text();
  const id = response.headers.get('x-request-id');
  const line = await served.process.untilEvent('request', { request_id: id });
  expect(line).toMatchObject({
    ...{ level: 'info', subsystem: 'gateway', key_id: key.id, endpoint: 'chat', model: 'small' },
    ...{ backend: 'gpu0', outcome: 'served', status: 200, duration_ms: expect.any(Number) },
    ...{ input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    cost_usd: expect.stringMatching(/^0\.0000\d+$/),
  });
  const text = served.process.lines.join('\n');
  expect(text).not.toContain('canary');
  expect(text).not.toContain(key.key);
});

test('levels follow a reload, part by part', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  const backends = `backends: { gpu0: { type: vllm, url: "${mock.url}" } }`;
  using lab = new ServeLab(`${backends}\nlog: { levels: { gateway: error } }`);
  await using served = await lab.serve();
  const { key } = await lab.createKey('caller');
  await ask(served.url, key);
  lab.writeConfig(`${backends}\nlog: { level: error, levels: { gateway: info } }`);
  expect((await lab.run('reload')).code).toBe(0);
  await ask(served.url, key);
  await served.process.untilEvent('request');
  const { lines } = served.process;
  expect(lines.filter((line) => line.includes('"event":"request"'))).toHaveLength(1);
});

test('a flood of bad keys is a few lines and a count', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(`backends: { gpu0: { type: vllm, url: "${mock.url}" } }`);
  await using served = await lab.serve();
  expect(await askOften(served.url, 'sk-lg-nobody', 1_000)).toEqual(new Set([401]));
  const counted = await served.process.untilEvent('requests_refused', { code: 'invalid_api_key' });
  expect(counted['count']).toBeGreaterThan(100);
  const told = served.process.lines.filter((line) => line.includes('"event":"request"'));
  expect(told.length).toBeLessThan(10);
});

test('a log that nobody reads blocks nothing and is given up on, counted', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(`backends: { gpu0: { type: vllm, url: "${mock.url}" } }`);
  await using served = await serveWithReader(lab, () => {});
  const { url } = served;
  const { key } = await lab.createKey('caller');
  await ask(url, key);
  expect(await askOften(url, key, 5_000)).toEqual(new Set([200]));
  expect(await metric(lab, 'llmgate_log_lines_dropped_total')).toBeGreaterThan(100);
  expect(await metric(lab, 'llmgate_process_resident_memory_bytes')).toBeLessThan(500e6);
});

test('a log whose reader is gone is no reason to stop', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(`backends: { gpu0: { type: vllm, url: "${mock.url}" } }`);
  await using served = await serveWithReader(lab, (reader) => reader.cancel());
  const { url } = served;
  const { key } = await lab.createKey('caller');
  expect(await askOften(url, key, 200)).toEqual(new Set([200]));
  // Polls, because lines are written a quarter of a second after they were made.
  await expect.poll(() => metric(lab, 'llmgate_log_lines_dropped_total')).toBeGreaterThan(100);
});

test('what nothing has caught is told and counted, and others are served', async () => {
  await using mock = await startTestMock({ models: ['small'] });
  using lab = new ServeLab(`backends: { gpu0: { type: vllm, url: "${mock.url}" } }`);
  const main = join(ROOT, 'test/support/serve-with-bugs-main.ts');
  await using served = new RunningProcess([process.execPath, main, 'serve'], {
    cwd: lab.folder,
  });
  const [, url = ''] = await served.untilLine(/^llmgate \S+ on (http:\S+),/);
  const { key } = await lab.createKey('caller');
  served.signal('SIGUSR2');
  const [exception] = await served.untilLine(/.*"event":"uncaught","kind":"exception".*/);
  expect(JSON.parse(exception)).toMatchObject({
    ...{ level: 'error', cause: { messages: ['Error: a bug that throws, [secret]'] } },
  });
  await served.untilLine(/"kind":"rejection".*a bug that nobody awaits/);
  expect((await ask(url, key)).status).toBe(200);
  expect(await metric(lab, 'llmgate_uncaught_errors_total')).toBe(2);
});
