import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../root.ts';

const BINARY = join(ROOT, 'dist', 'llmgate');

/** The three servers of a measurement: what answers, and the two ways to it. */
export interface Bench {
  readonly direct: Way;
  readonly nginx: Way;
  readonly gateway: Way;
  readonly folder: string;
  stop(): Promise<void>;
}

/** One way to the backend: where to connect, with which key, and whose CPU time to read. */
export interface Way {
  readonly name: string;
  readonly port: number;
  readonly key: string;
  readonly model: string;
  /** Processes that do the forwarding; empty for the direct way. */
  readonly pids: readonly number[];
}

/** Starts mock, nginx and gateway on free loopback ports. Throws what a missing program says. */
export async function startBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-overhead-'));
  const [mockPort, nginxPort, gatewayPort] = [freePort(), freePort(), freePort()];
  const children: Bun.Subprocess[] = [];
  const start = (command: string[]) => {
    const child = Bun.spawn(command, { cwd: folder, stdout: 'ignore', stderr: 'ignore' });
    children.push(child);
    return child;
  };
  start([BINARY, 'mock', '--listen', `127.0.0.1:${mockPort}`, '--model', 'bench']);
  await untilListening(mockPort);
  writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, nginxPort, mockPort));
  const nginx = start(['nginx', '-c', join(folder, 'nginx.conf'), '-p', folder]);
  writeFileSync(join(folder, 'llmgate.yaml'), gatewayConfig(gatewayPort, mockPort));
  const gateway = start([BINARY, 'serve', '-c', join(folder, 'llmgate.yaml')]);
  await Promise.all([untilListening(nginxPort), untilListening(gatewayPort)]);
  const key = await createKey(folder, join(folder, 'llmgate.yaml'));
  const common = { key, model: 'bench' };
  return {
    folder,
    direct: { ...common, name: 'direct', port: mockPort, pids: [] },
    nginx: { ...common, name: 'nginx', port: nginxPort, pids: childrenOf(nginx.pid) },
    gateway: { ...common, name: 'llmgate', port: gatewayPort, pids: [gateway.pid] },
    async stop() {
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(children.map((child) => child.exited));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// Everything on: authentication, three limits, two budgets, prices, books. No line per request in
// the log, because nginx writes none either.
function gatewayConfig(port: number, mockPort: number): string {
  return `listen: 127.0.0.1:${port}
data_dir: ./data
log: { level: warn }
backends:
  mock: { type: vllm, url: "http://127.0.0.1:${mockPort}" }
models:
  bench: { targets: [mock], price: { input: 0.5, output: 1.5 }, context_tokens: 1000000 }
limits:
  - { per: key, requests: 100000000/m }
  - { per: key, tokens: 100000000000/m }
  - { per: all, concurrent: 100000 }
budgets:
  - { per: key, usd: 1000000, window: month }
  - { per: all, usd: 5000000, window: month }
`;
}

/** One worker that only forwards. */
export function nginxConfig(folder: string, port: number, mockPort: number): string {
  return `worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.err;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 32m;
  client_body_buffer_size 1m;
  keepalive_requests 1000000000;
  upstream backend { server 127.0.0.1:${mockPort}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
`;
}

/** A key without bounds, made through the running gateway or in its store. */
export async function createKey(folder: string, file: string, binary = BINARY): Promise<string> {
  const made = Bun.spawn([binary, 'keys', 'create', '--name', 'bench', '--quiet', '-c', file], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const key = (await new Response(made.stdout).text()).trim();
  if ((await made.exited) !== 0) throw new Error(await new Response(made.stderr).text());
  return key;
}

export function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** Polls until something accepts on the port. Throws after ten seconds. */
export async function untilListening(port: number): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (performance.now() < deadlineMs) {
    try {
      const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
      socket.end();
      return;
    } catch {
      await Bun.sleep(2);
    }
  }
  throw new Error(`nothing listens on port ${port}`);
}

export function childrenOf(pid: number): number[] {
  const isChild = (entry: string) => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isChild(entry))
    .map(Number);
}

/** CPU time of the processes so far, in microseconds. The kernel counts in hundredths of a second. */
export function cpuMicroseconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10_000;
}

/** Resident memory of one process, in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1_024;
}

/** A further gateway in front of the same backend, with a data directory of its own. */
export async function startGateway(bench: Bench, name: string) {
  const port = freePort();
  const file = join(bench.folder, `${name}.yaml`);
  writeFileSync(file, gatewayConfig(port, bench.direct.port).replace('./data', `./${name}`));
  const startedMs = performance.now();
  const child = Bun.spawn([BINARY, 'serve', '-c', file], { stdout: 'ignore', stderr: 'ignore' });
  await untilListening(port);
  const startMs = performance.now() - startedMs;
  const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
  if (answer.status !== 200) throw new Error(`/healthz answered ${answer.status}`);
  const way: Way = {
    name,
    port,
    key: await createKey(bench.folder, file),
    model: 'bench',
    pids: [child.pid],
  };
  return {
    way,
    startMs,
    async stop() {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}

export interface ColdStart {
  readonly startMs: number;
  /** After three quiet seconds. */
  readonly idleBytes: number;
}

/** Starts a gateway and lets it be. */
export async function measureColdStart(bench: Bench, round: number): Promise<ColdStart> {
  const { way, startMs, stop } = await startGateway(bench, `cold-${round}`);
  await Bun.sleep(3_000);
  const idleBytes = residentBytes(way.pids[0] ?? 0);
  await stop();
  return { startMs, idleBytes };
}
