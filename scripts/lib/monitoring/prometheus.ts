import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

const READY_WITHIN_MS = 30_000;

/** A Prometheus that scrapes one gateway every second and has our alerts loaded. */
export interface Prometheus extends AsyncDisposable {
  /** How many series a query gives. Throws an Error with what Prometheus says against it. */
  query(expr: string): Promise<number>;
  /** Rules that could not be evaluated, with why. */
  brokenRules(): Promise<string[]>;
  /** Alerts that are pending or firing, as `name (state)`. */
  alerts(): Promise<string[]>;
  /** Why the last scrape failed; null when it did not. */
  scrapeError(): Promise<string | null>;
}

export interface PrometheusOptions {
  readonly alertsFile: string;
  /** `host:port` of the admin plane. */
  readonly target: string;
  readonly bearer: string;
}

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-prometheus-'));
  copyFileSync(options.alertsFile, join(folder, 'alerts.yaml'));
  writeFileSync(join(folder, 'prometheus.yml'), renderConfig(options));
  const address = `127.0.0.1:${await freePort()}`;
  const server = Bun.spawn(
    [
      ...['prometheus', '--config.file=prometheus.yml', '--storage.tsdb.path=data'],
      ...[`--web.listen-address=${address}`, '--log.level=error'],
    ],
    { cwd: folder, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' },
  );
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://${address}${path}`);
    const answer: unknown = await response.json();
    if (isRecord(answer) && answer['status'] === 'success') return answer['data'];
    throw new Error(isRecord(answer) ? String(answer['error']) : 'no answer');
  };
  const stop = async () => {
    server.kill('SIGTERM');
    await server.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(`http://${address}/-/ready`, server);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return {
    query: async (expr) =>
      list(await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`), 'result').length,
    async brokenRules() {
      const groups = list(await ask('/api/v1/rules'), 'groups');
      const rules = groups.flatMap((group) => list(group, 'rules'));
      return rules
        .filter((rule) => rule['health'] === 'err')
        .map((rule) => `${rule['name']}: ${rule['lastError']}`);
    },
    async alerts() {
      const alerts = list(await ask('/api/v1/alerts'), 'alerts');
      const names = alerts.map(({ labels, state }) => {
        return `${isRecord(labels) ? labels['alertname'] : ''} (${state})`;
      });
      return [...new Set(names)].toSorted();
    },
    async scrapeError() {
      const [target] = list(await ask('/api/v1/targets'), 'activeTargets');
      if (target === undefined) return 'there is no target';
      return target['health'] === 'up' ? null : String(target['lastError']);
    },
    [Symbol.asyncDispose]: stop,
  };
}

function renderConfig({ target, bearer }: PrometheusOptions): string {
  return `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: llmgate
    authorization: { credentials: ${bearer} }
    static_configs: [{ targets: ["${target}"] }]
`;
}

async function untilReady(url: string, server: Bun.Subprocess): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (server.exitCode === null && performance.now() < deadline) {
    if ((await fetch(url).catch(() => null))?.ok === true) return;
    await Bun.sleep(100);
  }
  throw new Error('Prometheus did not get ready');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function list(value: unknown, name: string): Readonly<Record<string, unknown>>[] {
  const found = isRecord(value) ? value[name] : undefined;
  return Array.isArray(found) ? found.filter(isRecord) : [];
}
