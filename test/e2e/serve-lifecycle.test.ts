import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import type { FinishedRun } from '../support/llmgate-process.ts';
import { type IssuedKey, type Served, ServeLab } from '../support/serve-lab.ts';

// `llmgate serve` as an operator meets it: started, signalled, reloaded, stopped; with its exit codes.

const backendsOf = (mock: Mock) => `backends:\n  mock: { type: vllm, url: "${mock.url}" }\n`;
const NO_BACKEND =
  'backends:\n  gpu0: { type: vllm, url: "http://127.0.0.1:9", discover: false }\n';

function post(served: Served, key: IssuedKey, fields: object = {}): Promise<Response> {
  return fetch(`${served.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'small',
      messages: [{ role: 'user', content: 'hi' }],
      ...fields,
    }),
  });
}

/** A stream that has begun, and the rest of it when it ends in whatever way. */
async function openStream(served: Served, key: IssuedKey): Promise<{ rest: Promise<string> }> {
  const response = await post(served, key, { stream: true });
  if (response.body === null) throw new Error('no body');
  const reader = response.body.getReader();
  await reader.read();
  const readAll = async () => {
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
    }
  };
  return { rest: readAll() };
}

async function listModels(served: Served, key: IssuedKey): Promise<string[]> {
  const response = await fetch(`${served.url}/v1/models`, {
    headers: { authorization: `Bearer ${key.key}` },
  });
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id).toSorted();
}

describe('start', () => {
  test('it says on stderr which file it uses, and nothing on stdout', async () => {
    await using mock = await startMock({ models: ['small'] });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    const [banner = ''] = served.process.lines;
    expect(banner).toMatch(/^llmgate \d+\.\d+\.\d+ on http:\/\/127\.0\.0\.1:\d+, configuration: /);
    expect(banner.endsWith(lab.configFile)).toBe(true);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
    expect(statSync(join(lab.dataDir, 'admin.sock')).mode & 0o777).toBe(0o600);
    expect(await served.process.stop()).toBe(0);
    expect(served.process.stdout).toBe('');
    expect(existsSync(join(lab.dataDir, 'admin.sock'))).toBe(false);
  });

  test('a second one on the same data directory ends with 1 and names the first', async () => {
    using lab = new ServeLab(NO_BACKEND);
    await using served = await lab.serve();
    const second = await lab.run('serve');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`in use by process ${served.process.pid}`);
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200);
  });

  test('a port that is taken is a plain message and exit code 1', async () => {
    using lab = new ServeLab(NO_BACKEND);
    using taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    const { code, stdout, stderr } = await lab.run('serve', '--listen', `127.0.0.1:${taken.port}`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+: the address is in use/);
    expect(stderr).not.toMatch(/ at |\.ts:|bug/);
    // What it had opened is closed again: the directory is free.
    expect((await lab.run('keys', 'list')).code).toBe(0);
  });
});

describe('stop', () => {
  test('SIGTERM drains: what runs completes, new requests are refused, exit 0', async () => {
    await using mock = await startMock({ models: ['small'], behaviour: { tokens: 60, tps: 60 } });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    const key = await lab.createKey('k');
    const stream = await openStream(served, key);
    const whole = post(served, key);
    await mock.untilRequests(2);
    served.process.signal('SIGTERM');
    await served.process.untilEvent('draining');
    const refused = await post(served, key).then(
      async (response) => `${response.status} ${response.headers.get('x-llmgate-error')}`,
      () => 'no connection',
    );
    expect(['503 draining', 'no connection']).toContain(refused);
    expect((await stream.rest).endsWith('data: [DONE]\n\n')).toBe(true);
    expect(((await (await whole).json()) as { choices: object[] }).choices).toHaveLength(1);
    expect(await served.process.exited).toBe(0);
    const served60 = { outcome: 'served', output_tokens: 60, estimated: 0 };
    expect(lab.rows()).toMatchObject([served60, served60]);
  });

  test('a second SIGINT cuts: an error frame, a settled row, exit 130', async () => {
    await using mock = await startMock({
      models: ['small'],
      behaviour: { tokens: 5_000, tps: 50 },
    });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    const key = await lab.createKey('k');
    const stream = await openStream(served, key);
    served.process.signal('SIGINT');
    await served.process.untilEvent('draining');
    const askedAtMs = performance.now();
    served.process.signal('SIGINT');
    const rest = await stream.rest;
    expect(rest).toContain('"code":"draining"');
    expect(rest).not.toContain('[DONE]');
    expect(await served.process.exited).toBe(130);
    // Long before the deadline of a drain.
    expect(performance.now() - askedAtMs).toBeLessThan(5_000);
    await mock.untilCallerLeft(1);
    expect(lab.rows()).toMatchObject([{ code: 'draining', estimated: 1 }]);
    expect(lab.rows()[0]?.['output_tokens']).toBeGreaterThan(0);
    expect((await lab.run('ledger', 'check')).code).toBe(0);
  });

  test('callers that keep an idle connection open hold nothing up', async () => {
    using lab = new ServeLab(NO_BACKEND);
    await using served = await lab.serve();
    const answered = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: Number(new URL(served.url).port),
      socket: {
        data: () => answered.resolve(),
        close: () => closed.resolve(),
        error: () => closed.resolve(),
      },
    });
    socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
    await answered.promise;
    const askedAtMs = performance.now();
    served.process.signal('SIGTERM');
    expect(await served.process.exited).toBe(0);
    expect(performance.now() - askedAtMs).toBeLessThan(5_000);
    await closed.promise;
  });
});

describe('reload', () => {
  const alias = (name: string) => `models:\n  small: { targets: [mock], aliases: [${name}] }\n`;

  test('SIGHUP and a changed file bring in a good file; a bad one changes nothing', async () => {
    await using mock = await startMock({ models: ['small'] });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    const key = await lab.createKey('k');
    expect(await listModels(served, key)).toEqual(['small']);

    lab.writeConfig(
      `${backendsOf(mock)}models:\n  second: { targets: [{ backend: mock, model: small }] }`,
    );
    served.process.signal('SIGHUP');
    await served.process.untilEvent('reload_asked', { by: 'signal' });
    await served.process.untilEvent('reloaded', { generation: 2 });
    expect(await listModels(served, key)).toEqual(['second', 'small']);

    lab.writeConfig(`${backendsOf(mock)}models:\n  third: { targets: [moc] }`);
    const { problems } = await served.process.untilEvent('reload_refused');
    expect(problems).toMatch(
      /llmgate\.yaml:6:22: models\.third\.targets\[0\]: unknown backend "moc"; .*"mock"/,
    );
    expect(await listModels(served, key)).toEqual(['second', 'small']);
    expect((await post(served, key, { model: 'second' })).status).toBe(200);

    lab.writeConfig(`${backendsOf(mock)}${alias('fourth')}`);
    const changedAtMs = performance.now();
    await served.process.untilEvent('reload_asked', { by: 'file' });
    while ((await listModels(served, key)).includes('second')) {
      expect(performance.now() - changedAtMs).toBeLessThan(5_000);
    }
    expect(await listModels(served, key)).toEqual(['small']);
    expect((await post(served, key, { model: 'fourth' })).status).toBe(200);
  });

  test('"llmgate reload" prints the problems and ends with 78', async () => {
    await using mock = await startMock({ models: ['small'] });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    expect(await lab.runJson('reload')).toMatchObject({ ok: true, generation: 2 });
    writeFileSync(lab.configFile, 'data_dir: ./data\nbackends: [');
    const { code, stderr } = await lab.run('reload', '--data-dir', lab.dataDir);
    expect(code).toBe(78);
    expect(stderr).toMatch(/llmgate\.yaml:2:\d+/);
    expect((await fetch(`${served.url}/readyz`)).status).toBe(200);
  });
});

describe('keys', () => {
  /** What differs between two keys of the same name, made equal. */
  function neutral({ code, stdout, stderr }: FinishedRun): string {
    return `${code}\n${stdout}\n${stderr}`
      .replace(/sk-lg-[0-9A-Za-z]{12}-[0-9A-Za-z]{38}/g, 'KEY')
      .replace(/sk-lg-[0-9A-Za-z]{12}-/g, 'PREFIX')
      .replace(/"id": "[0-9A-Za-z]{12}"/g, '"id": "ID"')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
  }

  const COMMANDS = [
    ['create', '--name', 'anna', '--models', 'small', '--rpm', '60', '--json'],
    ['create', '--name', 'anna'],
    ['create', '--name', 'bert', '--budget', '1/day', '--tag', 'a=b', '--json'],
    ['list', '--json'],
    ['suspend', 'anna', '--json'],
    ['resume', 'anna', '--json'],
    ['rotate', 'anna', '--overlap', '0', '--json'],
    ['update', 'anna', '--user', 'u1', '--json'],
    ['show', 'anna', '--json'],
    ['show', 'nobody'],
    ['revoke', 'bert', '--yes', '--json'],
    ['list', '--json'],
  ];

  test('say the same over the socket of a running gateway and without one', async () => {
    const results: string[][] = [];
    for (const isRunning of [true, false]) {
      using lab = new ServeLab(NO_BACKEND);
      await using _served = isRunning ? await lab.serve() : null;
      const said: string[] = [];
      for (const args of COMMANDS) said.push(neutral(await lab.run('keys', ...args)));
      results.push(said);
    }
    const [running, stopped] = results;
    expect(running).toEqual(stopped);
    expect(running?.map((text) => text.split('\n')[0])).toEqual([
      '0',
      '1',
      '0',
      '0',
      '0',
      '0',
      '0',
      '0',
      '0',
      '3',
      '0',
      '0',
    ]);
  });

  test('a suspended, rotated or revoked key is refused at once, while others go on', async () => {
    await using mock = await startMock({ models: ['small'] });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    const [key, other] = [await lab.createKey('anna'), await lab.createKey('bert')];
    const code = async () => (await post(served, key)).headers.get('x-llmgate-error');
    expect(await code()).toBeNull();
    await lab.run('keys', 'suspend', 'anna');
    expect(await code()).toBe('key_suspended');
    await lab.run('keys', 'resume', 'anna');
    expect(await code()).toBeNull();
    const rotated = await lab.runJson<IssuedKey>('keys', 'rotate', 'anna', '--overlap', '0');
    expect(await code()).toBe('invalid_api_key');
    expect((await post(served, rotated)).status).toBe(200);
    expect((await lab.run('keys', 'revoke', 'anna', '--yes')).code).toBe(0);
    // The next request, not one of the next second.
    expect((await post(served, rotated)).headers.get('x-llmgate-error')).toBe('invalid_api_key');
    expect((await post(served, other)).status).toBe(200);
  });
});

describe('exit codes', () => {
  test.each<[number, readonly string[], RegExp]>([
    [0, ['version'], /^$/],
    [0, ['--help'], /^$/],
    [0, ['validate'], /^$/],
    [0, ['keys', 'list'], /^$/],
    [0, ['ledger', 'check'], /^$/],
    [2, ['srve'], /unknown command 'srve'[\s\S]*serve/],
    [2, ['serve', '--prot', '1'], /unknown option '--prot'/],
    [2, ['serve', '--listen', 'nonsense'], /--listen/],
    [2, ['keys', 'create'], /--name/],
    [2, ['usage', '--since', 'whenever'], /whenever/],
    [3, ['keys', 'show', 'nobody'], /nobody/],
    [3, ['usage', '--data-dir', './elsewhere'], /elsewhere/],
    [5, ['status'], /no gateway is running/],
    [78, ['serve', '-c', 'bad.yaml'], /bad\.yaml:1:24: [\s\S]*did you mean "vllm"/],
    [78, ['validate', 'bad.yaml'], /bad\.yaml: 1 problem/],
    [78, ['serve', '-c', 'absent.yaml'], /absent\.yaml/],
  ])('%i: llmgate %j', async (code, args, stderr) => {
    using lab = new ServeLab(NO_BACKEND);
    writeFileSync(
      join(lab.folder, 'bad.yaml'),
      'backends: { g: { type: vlm, url: "http://a" } }\n',
    );
    await lab.createKey('k');
    const run = await lab.run(...args);
    expect(run.stderr).toMatch(stderr);
    expect(run.code).toBe(code);
    expect(run.stderr).not.toContain('this is a bug');
  });

  test('1: "ledger check" on books that somebody changed', async () => {
    await using mock = await startMock({ models: ['small'] });
    using lab = new ServeLab(backendsOf(mock));
    await using served = await lab.serve();
    expect((await post(served, await lab.createKey('k'))).status).toBe(200);
    await served.process.stop();
    expect((await lab.run('ledger', 'check')).code).toBe(0);
    const db = new Database(join(lab.dataDir, 'llmgate.db'));
    db.exec('UPDATE usage_sums SET output_tokens = output_tokens + 1');
    db.close();
    const { code, stdout } = await lab.run('ledger', 'check');
    expect(code).toBe(1);
    expect(stdout).toMatch(/The sums of .* differ from their requests/);
  });
});
