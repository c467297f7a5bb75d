import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  childrenOf,
  createKey,
  freePort,
  nginxConfig,
  residentBytes,
  untilListening,
  type Way,
} from '../overhead/processes.ts';

const KEY_OF_NOBODY = 'unused';

/** Starts what a measurement needs, on loopback, in a folder that goes when it ends. */
export class Rig {
  readonly binary: string;
  readonly folder = mkdtempSync(join(tmpdir(), 'llmgate-streams-'));
  readonly #stops: (() => Promise<void>)[] = [];

  constructor(binary: string) {
    this.binary = binary;
  }

  async startMock(...flags: string[]): Promise<Mock> {
    const port = freePort();
    const mock = new Mock(this.binary, port, flags);
    this.#stops.push(() => mock.stop());
    await mock.start();
    return mock;
  }

  async startNginx(mock: Mock): Promise<Way> {
    const port = freePort();
    const file = join(this.folder, 'nginx.conf');
    writeFileSync(file, nginxConfig(this.folder, port, mock.port));
    const nginx = Bun.spawn(['nginx', '-c', file, '-p', this.folder], QUIET);
    this.#stops.push(() => stopChild(nginx));
    await untilListening(port);
    const pids = childrenOf(nginx.pid);
    return { name: 'nginx', port, key: KEY_OF_NOBODY, model: 'bench', pids };
  }

  /** A gateway of its own, with limits, budgets, prices and books; `pool` has backends and models. */
  async startGateway(name: string, pool: string): Promise<Gateway> {
    const port = freePort();
    const file = join(this.folder, `${name}.yaml`);
    writeFileSync(file, `${renderCommon(port, name)}${pool}`);
    const child = Bun.spawn([this.binary, 'serve', '-c', file], { ...QUIET, cwd: this.folder });
    this.#stops.push(() => stopChild(child));
    await untilListening(port);
    const key = await createKey(this.folder, file, this.binary);
    const way = { name, port, key, model: 'bench', pids: [child.pid] };
    const socket = join(this.folder, name, 'admin.sock');
    return new Gateway(way, child.pid, socket, () => stopChild(child));
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.toReversed()) await stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const QUIET = { stdout: 'ignore', stderr: 'ignore', stdin: 'ignore' } as const;

async function stopChild(child: Bun.Subprocess): Promise<void> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await child.exited;
  clearTimeout(late);
}

// As in scripts/bench-overhead: everything on, and no line per request. On a machine that is busy with
// others the gateway would turn requests away for its lag; here they shall be late instead.
function renderCommon(port: number, name: string): string {
  return `listen: 127.0.0.1:${port}
data_dir: ./${name}
log: { level: warn }
overload: { lag: off }
limits:
  - { per: key, requests: 100000000/m }
  - { per: key, tokens: 100000000000/m }
  - { per: all, concurrent: 100000 }
budgets:
  - { per: key, usd: 1000000, window: month }
  - { per: all, usd: 5000000, window: month }
`;
}

/** A pool of one backend and one model. */
export function onePool(mock: Mock): string {
  return `backends:
  mock: { type: vllm, url: "${mock.url}" }
models:
  bench: { targets: [mock], price: { input: 0.5, output: 1.5 }, context_tokens: 1000000 }
`;
}

export interface MockCounts {
  readonly requests: number;
  readonly in_flight: number;
  readonly completed: number;
  readonly left_by_caller: number;
  readonly connections: number;
  readonly open_connections: number;
}

/** `llmgate mock` as a process that can be killed and started again on its port. */
export class Mock {
  readonly port: number;
  readonly #command: string[];
  #child: Bun.Subprocess | undefined;

  constructor(binary: string, port: number, flags: readonly string[]) {
    this.port = port;
    const fixed = ['--listen', `127.0.0.1:${port}`, '--model', 'bench', '--log-requests', '0'];
    this.#command = [binary, 'mock', ...fixed, ...flags];
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The way past everything. */
  get way(): Way {
    return { name: 'direct', port: this.port, key: KEY_OF_NOBODY, model: 'bench', pids: [] };
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#child = Bun.spawn(this.#command, QUIET);
    await untilListening(this.port);
  }

  async counts(): Promise<MockCounts> {
    const answer = await fetch(`${this.url}/mock/stats`);
    // What `GET /mock/stats` answers is written in src/mock/counters.ts.
    return (await answer.json()) as MockCounts;
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child?.exited;
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await stopChild(this.#child);
  }
}

/** A running gateway: the way through it, and what it says of itself. */
export class Gateway {
  readonly way: Way;
  readonly pid: number;
  readonly stop: () => Promise<void>;
  readonly #socket: string;

  constructor(way: Way, pid: number, socket: string, stop: () => Promise<void>) {
    this.way = way;
    this.pid = pid;
    this.stop = stop;
    this.#socket = socket;
  }

  get residentBytes(): number {
    return residentBytes(this.pid);
  }

  /** Resolves with the length of the answer of the admin plane, so that all of it was read. */
  async admin(path: string): Promise<string> {
    const answer = await fetch(`http://localhost${path}`, { unix: this.#socket });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    return await answer.text();
  }

  async metrics(): Promise<Metrics> {
    return new Metrics(await this.admin('/metrics'));
  }
}

/** Samples of one scrape. */
export class Metrics {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The sum over all labels; 0 when there is none. */
  sum(name: string): number {
    const samples = this.#text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'));
    return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Cumulated counts of a histogram without labels, by upper bound. */
  buckets(name: string): ReadonlyMap<number, number> {
    const samples = this.#text.matchAll(
      new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\S+)`, 'gm'),
    );
    const bounds = [...samples].map(([, le, count]) => [toBound(le ?? ''), Number(count)] as const);
    return new Map(bounds);
  }
}

function toBound(le: string): number {
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
}

/** The bound below which a share of what came between two scrapes lies, interpolated as Prometheus does. */
export function quantileBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  share: number,
): number {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => (after.get(bound) ?? 0) - (before.get(bound) ?? 0));
  const wanted = (counts.at(-1) ?? 0) * share;
  const at = counts.findIndex((count) => count >= wanted);
  const [low, high] = [bounds[at - 1] ?? 0, bounds[at] ?? 0];
  const [under, over] = [counts[at - 1] ?? 0, counts[at] ?? 0];
  if (!Number.isFinite(high)) return low;
  return over === under ? high : low + ((high - low) * (wanted - under)) / (over - under);
}

/** How long the main thread of a process has waited for a processor that others had, in milliseconds. */
export function runDelayMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/schedstat`, 'latin1');
  return Number(text.split(' ')[1]) / 1e6;
}
