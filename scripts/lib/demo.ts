import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { ROOT } from './root.ts';

const HELP = `usage: scripts/demo [--once]

Starts a simulated backend and llmgate in front of it, makes a key, streams a completion through,
shows the usage row, and keeps the gateway running until Ctrl-C; with --once it ends instead.
Everything it writes is in .demo/.
`;

const BINARY = join(ROOT, 'dist/llmgate');
const FOLDER = join(ROOT, '.demo');
const CONFIG = join(FOLDER, 'llmgate.yaml');
const PID_FILE = join(FOLDER, 'pid');
const MODEL = 'demo-model';
const READY_WITHIN_MS = 15_000;

const out = (text: string) => void process.stdout.write(`${text}\n`);
const step = (text: string) => out(`\n==> ${text}`);
const shown = (path: string) => relative(process.cwd(), path) || '.';

class Child {
  readonly #name: string;
  readonly #log: string;
  readonly #process: Bun.Subprocess;

  constructor(name: string, args: readonly string[]) {
    this.#name = name;
    this.#log = join(FOLDER, `${name}.log`);
    const log = openSync(this.#log, 'w');
    this.#process = Bun.spawn([BINARY, ...args], {
      cwd: FOLDER,
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C reaches this script alone, which then stops both in order.
      detached: true,
    });
  }

  /** Throws an Error with the end of the log when it does not answer in time, or ends. */
  async untilReady(url: string): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while (this.#process.exitCode === null && performance.now() < deadline) {
      const reply = await fetch(url).catch(() => null);
      if (reply?.ok === true) return;
      await Bun.sleep(25);
    }
    const lines = readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-20);
    throw new Error(`${this.#name} did not get ready; ${shown(this.#log)}:\n${lines.join('\n')}`);
  }

  get exited(): Promise<number> {
    return this.#process.exited;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGTERM');
    await this.#process.exited;
  }
}

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  process.exitCode = await demo(process.argv.includes('--once'));
}

async function demo(once: boolean): Promise<number> {
  claimFolder();
  const children: Child[] = [];
  try {
    await Promise.race([show(children, once), untilSignal()]);
    step('done');
    return 0;
  } catch (cause) {
    process.stderr.write(`\ndemo: ${cause instanceof Error ? cause.message : String(cause)}\n`);
    return 1;
  } finally {
    // The gateway first, so that it drains while its backend still answers.
    for (const child of children.toReversed()) await child.stop();
    rmSync(PID_FILE, { force: true });
  }
}

/** Starts everything and shows it; without `once` it ends only with an Error, when a child has. */
async function show(children: Child[], once: boolean): Promise<void> {
  const [gatewayPort, mockPort] = [await findPort(8080), await findPort(9001)];
  const url = `http://127.0.0.1:${gatewayPort}`;
  const mockUrl = `http://127.0.0.1:${mockPort}`;
  writeFileSync(CONFIG, renderConfig(gatewayPort, mockPort));

  step('a simulated backend: llmgate mock');
  const pace = ['--ttft', '150ms', '--tps', '30'];
  const mock = new Child('mock', ['mock', '--listen', `127.0.0.1:${mockPort}`, ...pace]);
  children.push(mock);
  await mock.untilReady(`${mockUrl}/v1/models`);
  out(`${mockUrl}  (log: ${shown(join(FOLDER, 'mock.log'))})`);

  step(`the gateway: llmgate serve -c ${shown(CONFIG)}`);
  const gateway = new Child('gateway', ['serve', '-c', CONFIG]);
  children.push(gateway);
  await gateway.untilReady(`${url}/readyz`);
  out(`${url}  (log: ${shown(join(FOLDER, 'gateway.log'))})`);

  step('a key: llmgate keys create --name demo');
  const key = llmgate('keys', 'create', '--name', 'demo', '--quiet').trim();
  out(key);

  step('a streamed chat completion through the gateway');
  await streamCompletion(url, key);

  step('the books: llmgate usage --by key,model');
  out(llmgate('usage', '--by', 'key,model', '--since', 'today').trimEnd());

  if (once) return;
  out(renderInvitation(url, key));
  await Promise.race([gateway.exited, mock.exited]);
  throw new Error(`llmgate ended by itself; see the logs in ${shown(FOLDER)}`);
}

// Two demos in one folder would fight over one database.
function claimFolder(): void {
  if (existsSync(PID_FILE) && isAlive(Number(readFileSync(PID_FILE, 'utf8')))) {
    process.stderr.write('demo: one is running already; stop it first\n');
    process.exit(1);
  }
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  writeFileSync(PID_FILE, `${process.pid}\n`);
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve());
  });
}

/** The wanted port, or any free one where it is taken. */
async function findPort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const server = createServer();
    const free = await new Promise<number | null>((resolve) => {
      server.once('error', () => resolve(null));
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : null);
      });
    });
    server.close();
    if (free !== null) return free;
  }
  throw new Error('no free port on 127.0.0.1');
}

function renderConfig(gatewayPort: number, mockPort: number): string {
  return `listen: 127.0.0.1:${gatewayPort}
data_dir: ./data
backends:
  mock: { type: openai_compatible, url: "http://127.0.0.1:${mockPort}" }
models:
  ${MODEL}:
    targets: [mock]
    price: { input: 0.15, output: 0.60 }   # USD per million tokens
limits:
  - { per: key, requests: 600/m }
budgets:
  - { per: key, usd: 5, window: day }
`;
}

// The key of a demo may stand in an argument; nothing else that llmgate is asked here is secret.
function llmgate(...args: string[]): string {
  const run = Bun.spawnSync([BINARY, ...args, '-c', CONFIG], { cwd: FOLDER });
  if (run.success) return run.stdout.toString();
  throw new Error(`llmgate ${args.join(' ')} failed: ${run.stderr.toString().trim()}`);
}

async function streamCompletion(url: string, key: string): Promise<void> {
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(completionRequest()),
    signal: AbortSignal.timeout(60_000),
  });
  if (!reply.ok || reply.body === null) {
    throw new Error(`the gateway answered ${reply.status}: ${await reply.text()}`);
  }
  const decoder = new TextDecoder();
  for await (const chunk of reply.body)
    process.stdout.write(decoder.decode(chunk, { stream: true }));
}

function completionRequest() {
  return {
    model: MODEL,
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 16,
    messages: [{ role: 'user', content: 'Say hello to whoever runs this.' }],
  };
}

function renderInvitation(url: string, key: string): string {
  return `
llmgate is running at ${url}. In another terminal:

  curl -N ${url}/v1/chat/completions \\
    -H 'authorization: Bearer ${key}' \\
    -H 'content-type: application/json' \\
    -d '${JSON.stringify(completionRequest())}'

  ${shown(BINARY)} usage -c ${shown(CONFIG)}
  ${shown(BINARY)} keys list -c ${shown(CONFIG)}

Any OpenAI client works with OPENAI_BASE_URL=${url}/v1 and that key. Ctrl-C stops it.`;
}
