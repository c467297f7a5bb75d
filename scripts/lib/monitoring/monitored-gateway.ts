import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BehaviourInput } from '../../../src/mock/behaviour.ts';
import { type Mock, startMock } from '../../../src/mock/mock.ts';
import { freePort } from './free-port.ts';

const READY_WITHIN_MS = 15_000;

/** A compiled gateway with mocks behind it, busy in every way that dashboards show. */
export interface MonitoredGateway extends AsyncDisposable {
  /** `host:port` of its admin plane. */
  readonly adminAddress: string;
  readonly metricsKey: string;
  /** Sends requests of all kinds until `signal`; how many. */
  load(signal: AbortSignal): Promise<number>;
}

export async function startMonitoredGateway(binary: string): Promise<MonitoredGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-monitoring-'));
  const metricsKey = randomBytes(32).toString('base64');
  const env = { METRICS_KEY: metricsKey };
  const models = ['small', 'large'];
  const behaviour: BehaviourInput = { ttft_ms: 20, tps: 400, tokens: [5, 40], cached_tokens: 3 };
  const mocks = [
    await startMock({ models, behaviour, maxConcurrent: 8 }),
    await startMock({ models, behaviour: { ...behaviour, fail_rate: 0.1, fail_status: 500 } }),
  ];
  const [port, adminPort] = [await freePort(), await freePort()];
  const config = renderConfig({ port, adminPort, deadPort: await freePort(), mocks });
  writeFileSync(join(folder, 'llmgate.yaml'), config);
  const log = join(folder, 'gateway.log');
  const gateway = Bun.spawn([binary, 'serve'], {
    cwd: folder,
    env,
    stdin: 'ignore',
    stdout: Bun.file(log),
    stderr: Bun.file(log),
  });
  const stop = async () => {
    gateway.kill('SIGTERM');
    await gateway.exited;
    for (const mock of mocks) await mock.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(`http://127.0.0.1:${port}/readyz`, gateway, log);
    const keys = ['alice', 'bob'].map((name) =>
      createKey([binary, 'keys', 'create', '--name', name, '--quiet'], { cwd: folder, env }),
    );
    return {
      adminAddress: `127.0.0.1:${adminPort}`,
      metricsKey,
      load: (signal) => load(`http://127.0.0.1:${port}`, keys, signal),
      [Symbol.asyncDispose]: stop,
    };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

interface Scene {
  readonly port: number;
  readonly adminPort: number;
  readonly deadPort: number;
  readonly mocks: readonly Mock[];
}

function renderConfig({ port, adminPort, deadPort, mocks }: Scene): string {
  return `listen: 127.0.0.1:${port}
data_dir: ./data
admin:
  listen: 127.0.0.1:${adminPort}
  keys: { prometheus: { key: "\${env:METRICS_KEY}", role: metrics } }
backends:
  gpu0: { type: vllm, url: "${mocks[0]?.url}", max_concurrency: 4 }
  gpu1: { type: vllm, url: "${mocks[1]?.url}", max_concurrency: 4 }
  gone: { type: vllm, url: "http://127.0.0.1:${deadPort}" }
models:
  small: { targets: [gpu0, gpu1, gone], price: { input: 1, output: 2 } }
  large: { targets: [gpu0, gpu1], price: { input: 4, output: 8 } }
limits:
  - { per: key, requests: 60/s, burst: 60 }
budgets:
  - { per: key, usd: 1000, window: month }
metrics: { names: genai }
`;
}

async function untilReady(url: string, gateway: Bun.Subprocess, log: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (gateway.exitCode === null && performance.now() < deadline) {
    if ((await fetch(url).catch(() => null))?.ok === true) return;
    await Bun.sleep(50);
  }
  throw new Error(`the gateway did not get ready:\n${readFileSync(log, 'utf8').slice(-2_000)}`);
}

function createKey(
  command: string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): string {
  const run = Bun.spawnSync(command, options);
  if (run.exitCode !== 0) throw new Error(`keys create: ${run.stderr.toString()}`);
  return run.stdout.toString().trim();
}

const CALLERS = 24;

async function load(url: string, keys: readonly string[], signal: AbortSignal): Promise<number> {
  let sent = 0;
  const call = async (caller: number) => {
    for (let round = 0; !signal.aborted; round += 1) {
      sent += 1;
      const isLost = round % 20 === 19;
      const body = {
        model: isLost ? 'unknown' : round % 3 === 0 ? 'large' : 'small',
        stream: round % 2 === 0,
        messages: [{ role: 'user', content: `Question ${caller} of round ${round}.` }],
      };
      await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${round % 37 === 36 ? 'nobody' : keys[caller % keys.length]}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      }).then((response) => response.text());
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
  return sent;
}
