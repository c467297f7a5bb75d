import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startMock } from '../../src/mock/mock.ts';
import { LiveDocument } from '../../src/observe/live-document.ts';
import {
  type FakeGateway,
  type FakeGatewayOptions,
  startFakeGateway,
} from '../support/fake-gateway.ts';
import { llmgateBinary } from '../support/llmgate-binary.ts';
import { runLlmgate } from '../support/llmgate-process.ts';
import { PtyProcess } from '../support/pty-process.ts';
import { ServeLab } from '../support/serve-lab.ts';
import { requestId } from '../support/some-live-document.ts';
import { TmuxTerminal } from '../support/tmux-terminal.ts';

// `llmgate top` as a person meets it: the compiled binary on a pseudo-terminal of the system.

interface OpenOptions extends Omit<FakeGatewayOptions, 'dataDir'> {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

/** A gateway that plays a busy box, and a screen in front of it. */
class TopLab implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'llmgate-top-'));
  readonly top: PtyProcess;
  gateway: FakeGateway;
  readonly #options: OpenOptions;

  constructor(options: OpenOptions = {}) {
    this.#options = options;
    this.gateway = this.startGateway();
    const { columns = 80, rows = 24, env = { TERM: 'xterm-256color' }, flags = [] } = options;
    const command = [llmgateBinary(), 'top', '--data-dir', this.folder, '--interval', '100ms'];
    this.top = new PtyProcess([...command, ...flags], { columns, rows, cwd: this.folder, env });
  }

  startGateway(change: Partial<FakeGatewayOptions> = {}): FakeGateway {
    this.gateway = startFakeGateway({ ...this.#options, ...change, dataDir: this.folder });
    return this.gateway;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.top[Symbol.asyncDispose]();
    await this.gateway.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('keys', () => {
  test('screens, rows, details, filter and help answer to what is pressed', async () => {
    await using lab = new TopLab();
    const { top } = lab;
    await top.shows('[1 Overview]');
    expect(top.isRaw).toBe(true);
    expect(top.screen.isAlternate).toBe(true);
    top.press('3');
    await top.shows('> gpu0');
    top.press('j\x1b[B');
    await top.shows('> gpu2');
    top.press('\r');
    await top.shows(/problem +connection refused/);
    top.press('\x1b');
    await top.shows('> gpu2');
    top.press('\t\x1b[Z8/queue');
    await top.shows('/queue_');
    await top.shows(/^(?!.*forward).*000001 queue/s);
    top.press('\x1b');
    await top.shows('forward');
    top.press('?');
    await top.shows('ask less or more often');
    top.press('q');
    expect(await top.exited).toBe(0);
    expect(top.screen.isAsBefore).toBe(true);
    expect(top.isRaw).toBe(false);
    expect(top.screen.text().trim()).toBe('');
  });

  test('an action asks first, is done, and is said', async () => {
    await using lab = new TopLab();
    const { top } = lab;
    await top.shows('serving');
    top.press('3x');
    await top.shows('Send backend gpu0 no new requests? [y/N]');
    top.press('n');
    await top.shows('nothing was done');
    top.press('xy');
    await top.shows('gpu0 is drained');
    top.press('8');
    await top.shows('000001 queue');
    top.press('jxy');
    await top.shows(`request ${requestId(1)} was cancelled`);
    top.press(':suspend app-0\ry');
    await top.shows('key app-0 is suspended');
    top.press(':drain stuck\ry');
    await top.shows('it is stuck');
    expect(lab.gateway.actions).toEqual([
      ...['drain gpu0', `cancel ${requestId(1)}`, 'suspend app-0', 'drain stuck'],
    ]);
    top.press(':q\r');
    expect(await top.exited).toBe(0);
  });
});

describe('the terminal', () => {
  test.each([
    [200, 60, 'the last 14 minutes'],
    [40, 8, '[1 Overview]'],
    [39, 8, 'too small: 40x8 is needed'],
    [1, 1, '…'],
  ])('%i x %i, by resizing it', async (columns, rows, text) => {
    await using lab = new TopLab();
    await lab.top.shows('serving');
    lab.top.resize(columns, rows);
    await lab.top.shows(text);
    lab.top.resize(80, 24);
    await lab.top.shows('the last 4 minutes');
    lab.top.press('q');
    expect(await lab.top.exited).toBe(0);
  });

  test.each([
    ['SIGTERM', 130],
    ['SIGINT', 130],
    ['SIGHUP', 0],
  ] as const)('%s ends it with %i, and the terminal is as before', async (signal, code) => {
    await using lab = new TopLab();
    await lab.top.shows('serving');
    lab.top.signal(signal);
    expect(await lab.top.exited).toBe(code);
    expect(lab.top.screen.isAsBefore).toBe(true);
    expect(lab.top.isRaw).toBe(false);
  });

  test('a crash gives it back before it says what went wrong', async () => {
    await using lab = new TopLab();
    await lab.top.shows('serving');
    // A gateway that is trusted by now answers with something no screen can draw.
    await lab.gateway.stop();
    lab.startGateway({ edit: (document) => ({ ...document, gpus: [null as never] }) });
    lab.top.press('7');
    const code = await lab.top.exited;
    expect(code).toBe(1);
    expect(lab.top.screen.isAsBefore).toBe(true);
    expect(lab.top.isRaw).toBe(false);
    expect(lab.top.screen.text()).toContain('llmgate: this is a bug');
  });

  test('NO_COLOR leaves weight and reversal', async () => {
    await using lab = new TopLab({ env: { TERM: 'xterm', NO_COLOR: '1' } });
    await lab.top.shows('serving');
    for (const color of [31, 32, 33, 36]) expect(lab.top.written).not.toContain(`${color}m`);
    expect(lab.top.written).toContain('\x1b[7m');
  });

  test.each([[{ TERM: 'dumb' }], [{}]])('with %j it is one frame of text', async (env) => {
    await using lab = new TopLab({ env });
    expect(await lab.top.exited).toBe(0);
    expect(lab.top.written).not.toContain('\x1b');
    expect(lab.top.written).toContain('requests/s');
  });

  test('names from outside do nothing to it', async () => {
    const name = `\x1b]0;owned\x07\x1b[2J\u202e\x9b5m${'漢'.repeat(10_000)}`;
    await using lab = new TopLab({
      edit: (document) => ({
        ...document,
        models: document.models.map((model) => ({ ...model, name })),
        requests: (document.requests ?? []).map((request) => ({ ...request, key_name: name })),
      }),
    });
    const { top } = lab;
    // The emulator throws on every sequence that we do not write ourselves.
    await top.shows('\\x1b]0;owned\\x07');
    top.press('8');
    await top.shows('000001 queue');
    top.press('\r');
    await top.shows('\\u202e');
    top.press('q');
    expect(await top.exited).toBe(0);
  });
});

// A second opinion on what a terminal makes of it, from machines that have one.
describe.each(['tmux'].filter((program) => Bun.which(program) !== null))('%s', () => {
  test('shows what the emulator of these tests does: keys, resize, quit', async () => {
    await using lab = new TopLab();
    const command = `${llmgateBinary()} top --data-dir ${lab.folder} --interval 100ms`;
    using tmux = new TmuxTerminal(`echo before; ${command}`, 80, 24);
    await tmux.shows('serving');
    tmux.press('3', 'j', 'Down');
    await tmux.shows('> gpu2');
    tmux.press('Enter');
    await tmux.shows('connection refused');
    tmux.resize(40, 8);
    await tmux.shows(' 1 2 [3 Backends] 4 5 6 7 8 9');
    tmux.resize(39, 8);
    await tmux.shows('too small');
    tmux.resize(200, 60);
    await tmux.shows('failures');
    tmux.press('Escape');
    const lines = (await tmux.shows('PROBLEM')).split('\n');
    expect(lines[1]).toBe(
      ' 1 Overview 2 Models [3 Backends] 4 Keys 5 Users 6 Teams 7 GPUs 8 Requests 9 Log',
    );
    tmux.press('q');
    expect(await tmux.shows('ended with 0')).not.toContain('Overview');
  });
});

describe('the gateway', () => {
  test('may go and come back as another; the screen says both', async () => {
    await using lab = new TopLab();
    const { top } = lab;
    await top.shows('serving');
    await lab.gateway.stop();
    await top.shows('GATEWAY GONE');
    expect(top.screen.text()).toContain('requests/s');
    lab.startGateway({
      edit: (document) => ({
        ...document,
        gateway: { ...document.gateway, started_at: '2026-11-18T12:00:00.000Z' },
      }),
    });
    await top.shows('the gateway was started again at 12:00:00');
    await top.shows('serving');
    top.press('q');
    expect(await top.exited).toBe(0);
  });

  test('that does not run ends it with 5', async () => {
    const run = await runLlmgate(['top', '--data-dir', '/nonexistent'], { cwd: '/' });
    expect(run).toMatchObject({ code: 5, stdout: '' });
    expect(run.stderr).toContain('no gateway is running');
  });

  test('a pipe that is closed early is no failure', async () => {
    await using lab = new TopLab();
    const child = Bun.spawn(
      ['/bin/sh', '-c', '"$0" "$@" | head -c 10', llmgateBinary(), 'top', '--json'].concat([
        ...['--data-dir', lab.folder],
      ]),
      { stdout: 'pipe', stderr: 'pipe', env: {} },
    );
    expect(await child.stdout.text()).toHaveLength(10);
    expect(await child.stderr.text()).toBe('');
  });
});

describe('a real gateway', () => {
  test('is shown, and a backend is drained and a stream cancelled from the screen', async () => {
    await using mock = await startMock({ models: ['small'], behaviour: { tps: 5 } });
    using lab = new ServeLab(`backends:\n  gpu7: { type: vllm, url: "${mock.url}" }\n`);
    await using served = await lab.serve();
    const key = await lab.createKey('alice');
    const ask = (fields: object) =>
      fetch(`${served.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ model: 'small', messages: [{ role: 'user', content: 'hi' }], max_tokens: 3 },
          ...fields,
        }),
      });
    expect((await ask({})).status).toBe(200);

    const document = LiveDocument.parse(await lab.runJson('top'));
    expect(document.totals).toMatchObject({ requests: 1, errors: 0 });
    expect(document.finished).toMatchObject([{ key_name: 'alice', backend: 'gpu7', status: 200 }]);
    expect(document.backends).toMatchObject([{ id: 'gpu7', state: 'up', drained: false }]);
    expect(document.log.length).toBeGreaterThan(0);
    const once = await lab.run('top', '--once', '--screen', 'requests', '--interval', '100ms');
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(once.stdout).toMatch(/served +small +alice +gpu7/);

    const stream = await ask({ stream: true, max_tokens: 1_000 });
    await using top = new PtyProcess([llmgateBinary(), 'top', '--interval', '100ms'], {
      ...{ columns: 120, rows: 30, cwd: lab.folder, env: { TERM: 'xterm' } },
    });
    await top.shows('serving');
    top.press('8');
    await top.shows(/> .* (?:forward|meter) +small +alice +gpu7/);
    top.press('x');
    await top.shows('Cancel request');
    top.press('y');
    await top.shows('was cancelled');
    await stream.text().catch(() => '');
    await top.shows(/> .* cancelled +small +alice/);
    // What `llmgate explain` says of it.
    top.press('\r');
    await top.shows(/authenticate +ok/);
    top.press('\x1b');
    await top.shows('> ');
    top.press('3xy');
    await top.shows(/> gpu7 +drained/);
    expect((await ask({})).status).toBe(503);
    top.press('uy');
    await top.shows(/> gpu7 +up/);
    expect((await ask({})).status).toBe(200);
    top.press('4');
    await top.shows(/> alice +active/);
    top.press('xy');
    await top.shows('is suspended');
    expect((await ask({})).status).toBe(401);
    top.press('q');
    expect(await top.exited).toBe(0);
  });

  test('elsewhere is looked at over its admin port, also by who may only look', async () => {
    await using mock = await startMock({ models: ['small'] });
    const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
    const port = freePort();
    using lab = new ServeLab(
      `backends:\n  gpu7: { type: vllm, url: "${mock.url}" }\n` +
        `admin: { listen: "127.0.0.1:${port}", ` +
        'keys: { eye: { key: "${file:eye.key}", role: viewer } } }',
    );
    writeFileSync(join(lab.folder, 'eye.key'), secret, { mode: 0o600 });
    await using served = await lab.serve();
    const args = ['--url', `http://127.0.0.1:${port}`];
    const look = (key: string) =>
      runLlmgate(['top', '--once', '--screen', 'backends', '--interval', '100ms', ...args], {
        ...{ cwd: '/', env: { LLMGATE_ADMIN_KEY: key } },
      });
    const once = await look(secret);
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(once.stdout).toContain(served.url);
    expect(once.stdout).toContain('gpu7');
    expect(await look('nonsense')).toMatchObject({ code: 4, stdout: '' });

    await using top = new PtyProcess([llmgateBinary(), 'top', ...args], {
      ...{ columns: 80, rows: 24, cwd: '/' },
      env: { TERM: 'xterm', LLMGATE_ADMIN_KEY: secret },
    });
    await top.shows('serving');
    top.press('3xy');
    // Who may only look is told so, and nothing is drained.
    await top.shows(/may|role|allowed|viewer/);
    expect(top.screen.text()).not.toContain('drained');
  });
});

/** A port that nobody listened on a moment ago. */
function freePort(): number {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
