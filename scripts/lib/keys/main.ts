import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuMicroseconds, freePort, residentBytes } from '../overhead/processes.ts';
import { ROOT } from '../root.ts';
import type { LookupFigures } from './lookups.ts';
import { type MadeKey, makeKeys } from './make-keys.ts';

const HELP = `Examples:
  scripts/bench-keys                     a million keys (about two minutes, 400 MB of disk)
  scripts/bench-keys --keys 100000       fewer
  scripts/bench-keys --binary FILE       an executable that is there already

Makes a data directory with so many keys in a temporary folder, starts the executable on it, and
measures memory, start, pages and requests from outside; then looks keys up at random in a
process of its own, one at a time.
`;

const REQUESTS = 60_000;
/** Keys made to be revoked, keys of the few callers, and of the many. */
const REVOKED = 100;
const FEW = 1_000;
const MANY = 50_000;
const CONNECTIONS = 32;
const PAGES = 200;
const PAGE_SIZE = 100;

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    binary: { type: 'string', default: join(ROOT, 'dist', 'llmgate') },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main(Number(values.keys), values.binary);

async function main(count: number, binary: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-keys-'));
  const rows: string[] = [];
  const note: Note = (name, measured, goal) => {
    rows.push(`| ${name} | ${measured} | ${goal} |`);
    console.error(`${name}: ${measured}`);
  };
  try {
    const dataDir = join(folder, 'data');
    const made = makeKeys(dataDir, count, Math.min(count, MANY));
    console.error(`made ${count} keys`);
    // Neither this process's garbage nor the disk's backlog is to share the processors.
    Bun.gc(true);
    await Bun.sleep(5_000);
    await measureGateway(binary, folder, made, note);
    await measureLookups(dataDir, count, note);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n${cpus().length} × ${cpus()[0]?.model}, Bun ${Bun.version}, ${count} keys\n`);
  console.log(`| figure | measured | goal |\n|---|---|---|\n${rows.join('\n')}`);
}

type Note = (name: string, measured: string, goal: string) => void;

async function measureGateway(
  binary: string,
  folder: string,
  made: readonly MadeKey[],
  note: Note,
): Promise<void> {
  const port = freePort();
  const file = join(folder, 'llmgate.yaml');
  writeFileSync(file, configText(port, freePort()));
  const startedMs = performance.now();
  const gateway = Bun.spawn([binary, 'serve', '-c', file], { stdout: 'ignore', stderr: 'ignore' });
  try {
    const url = `http://127.0.0.1:${port}`;
    await untilHealthy(url, gateway);
    const startS = (performance.now() - startedMs) / 1_000;
    // On a busy machine the first is longer than the start itself takes.
    const cpuS = cpuMicroseconds([gateway.pid]) / 1e6;
    note('Cold start', `${startS.toFixed(2)} s (${cpuS.toFixed(2)} s of CPU)`, '≤ 5 s');
    await untilQuiet(gateway.pid);
    const filledS = (performance.now() - startedMs) / 1_000;
    note('All keys in memory after', `${filledS.toFixed(1)} s`, '');
    await Bun.sleep(3_000);
    note('Memory (RSS), idle', megabytes(residentBytes(gateway.pid)), '≤ 250 MB');
    const unix = join(folder, 'data', 'admin.sock');
    note('List page of 100', quantiles(await timePages(unix, made), 1, 'ms'), '≤ 50 ms');
    await measureRevocation(url, unix, made, note);
    // What is known of a caller while it is active, in limits, budgets and books, is not the
    // directory's, so few callers and many are told apart.
    await sendRequests(url, made.slice(REVOKED, REVOKED + FEW));
    note(`Memory (RSS), ${FEW} keys in use`, megabytes(residentBytes(gateway.pid)), '');
    await sendRequests(url, made.slice(REVOKED));
    const many = made.length - REVOKED;
    note(`Memory (RSS), ${many} keys in use`, megabytes(residentBytes(gateway.pid)), '');
  } finally {
    gateway.kill('SIGTERM');
    await gateway.exited;
  }
}

// Nothing answers at the backend: requests end before one is asked.
function configText(port: number, backendPort: number): string {
  return `listen: 127.0.0.1:${port}
data_dir: ./data
log: { level: error }
backends:
  none: { type: vllm, url: "http://127.0.0.1:${backendPort}", discover: false }
models:
  bench: { targets: [none], price: { input: 0.5, output: 1.5 } }
limits:
  - { per: key, requests: 100000/m }
budgets:
  - { per: key, usd: 1000, window: month }
`;
}

async function untilHealthy(url: string, gateway: Bun.Subprocess): Promise<void> {
  while (gateway.exitCode === null) {
    try {
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch {
      await Bun.sleep(5);
    }
  }
  throw new Error(`the gateway ended with ${gateway.exitCode}; run it by hand to see why`);
}

/** Keys are read beside requests; when nothing is left to do, all have been. */
async function untilQuiet(pid: number): Promise<void> {
  for (let beforeUs = -1; ; ) {
    await Bun.sleep(250);
    const nowUs = cpuMicroseconds([pid]);
    if (nowUs - beforeUs <= 10_000) return;
    beforeUs = nowUs;
  }
}

async function timePages(unix: string, made: readonly MadeKey[]): Promise<number[]> {
  const timesMs: number[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const after = pick(made).id;
    const startedMs = performance.now();
    const answer = await fetch(`http://admin/admin/v1/keys?limit=${PAGE_SIZE}&after=${after}`, {
      unix,
    });
    await answer.json();
    if (!answer.ok) throw new Error(`a page was answered with ${answer.status}`);
    timesMs.push(performance.now() - startedMs);
  }
  return timesMs;
}

async function measureRevocation(
  url: string,
  unix: string,
  made: readonly MadeKey[],
  note: Note,
): Promise<void> {
  let late = 0;
  for (const { id, text } of made.slice(0, REVOKED)) {
    if ((await ask(url, text)) !== 200) throw new Error('a good key was refused');
    const revoked = await fetch(`http://admin/admin/v1/keys/${id}/revoke`, {
      unix,
      method: 'POST',
    });
    if (!revoked.ok) throw new Error(`a revocation was answered with ${revoked.status}`);
    if ((await ask(url, text)) !== 401) late += 1;
  }
  note('Revocations that the next request did not see', `${late} of ${REVOKED}`, '0');
}

async function sendRequests(url: string, keys: readonly MadeKey[]): Promise<void> {
  let left = REQUESTS;
  const connection = async () => {
    while (left > 0) {
      left -= 1;
      if ((await ask(url, pick(keys).text)) !== 200) throw new Error('a good key was refused');
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}

async function ask(url: string, key: string): Promise<number> {
  const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  await answer.arrayBuffer();
  return answer.status;
}

/** In a process of its own: the garbage of this one would be collected in the middle of it. */
async function measureLookups(dataDir: string, count: number, note: Note): Promise<void> {
  const script = join(import.meta.dirname, 'lookups.ts');
  const child = Bun.spawn([process.execPath, script, dataDir, String(count)], {
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const found: unknown = JSON.parse(await new Response(child.stdout).text());
  const { p50Us, p99Us, bytesPerKey } = found as LookupFigures;
  const times = `p50 ${p50Us.toFixed(2)} µs, p99 ${p99Us.toFixed(2)} µs`;
  note('Look-up of a random key', times, 'p99 ≤ 5 µs');
  note('Memory of a key', `${bytesPerKey.toFixed(0)} bytes`, '');
}

function pick<Item>(from: readonly Item[]): Item {
  const picked = from[Math.floor(Math.random() * from.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}

function quantiles(values: readonly number[], digits: number, unit: string): string {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(digits);
  return `p50 ${at(0.5)} ${unit}, p99 ${at(0.99)} ${unit}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
