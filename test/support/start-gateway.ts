import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { NewKey } from '../../src/admin/key-schemas.ts';
import type { ReadConfig } from '../../src/app/reload.ts';
import { type RunningGateway, runGateway } from '../../src/app/run-gateway.ts';
import { parseConfig } from '../../src/config/load.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type Mock, startMock } from '../../src/mock/mock.ts';
import type { MockOptions } from '../../src/mock/options.ts';
import { createLog } from '../../src/observe/log.ts';
import { tempDir } from './temp-store.ts';

export interface GatewayOptions {
  /** YAML besides `listen`, `data_dir` and `backends`; `%MOCK%` stands for the mock's URL. */
  readonly config?: string;
  readonly backends?: string;
  readonly mock?: MockOptions;
  readonly key?: Partial<NewKey>;
}

/** A finished row in the words of the view `request_log`. */
export type LoggedRequest = Readonly<Record<string, string | number | null>>;

export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly mock: Mock;
  /** Of the key made from `options.key`. */
  readonly key: string;
  readonly keyId: string;
  readonly dataDir: string;
  readonly gateway: RunningGateway;
  /** Every log line so far. */
  log(): string;
  /** Finished rows, oldest first, as another process would read them. */
  rows(): LoggedRequest[];
  openRows(): number;
  /** Resolves when every row asked for so far is written: callers who left do not wait for theirs. */
  settled(): Promise<void>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Reply>;
  chat(fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<Reply>;
  /** Moves the gateway's wall clock. */
  advanceMs(ms: number): void;
  /** Makes the next `reload` use this YAML. */
  setConfig(yaml: string): void;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `error.code` of an error reply. */
  readonly code: string | undefined;
}

/** The whole gateway in this process: real store, real sockets, `llmgate mock` behind it. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const mock = await startMock({ models: ['small'], ...options.mock });
  const dataDir = tempDir();
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    levels: {},
    format: 'json',
    clock: systemClock,
    sink: { write: (line) => void lines.push(line), flush: () => {} },
  });
  const backends = options.backends ?? 'mock: { type: vllm, url: "%MOCK%" }';
  const load = (yaml: string): ReadConfig => {
    const text = `listen: 127.0.0.1:0\ndata_dir: ${dataDir}\nbackends:\n  ${backends}\n${yaml}`;
    const named = text.replaceAll('%MOCK%', mock.url);
    return parseConfig(named, { name: 'test.yaml', env: {}, folder: dataDir });
  };
  let yaml = options.config ?? '';
  let aheadMs = 0;
  const gateway = await runGateway({
    config: load(yaml).config,
    configSha256: null,
    configFile: null,
    loadConfig: async () => load(yaml),
    log,
    version: 'test',
    clock: { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs },
  });
  await gateway.ready;
  const issued = await gateway.operations.keys.create({ name: 'caller', ...options.key });
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${issued.key}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return toReply(response);
  };
  const messages = [{ role: 'user', content: 'Say something short.' }];
  return {
    url: gateway.url,
    mock,
    key: issued.key,
    keyId: issued.id,
    dataDir,
    gateway,
    log: () => lines.join(''),
    rows: () => query(dataDir, 'SELECT * FROM request_log ORDER BY seq'),
    openRows: () => query(dataDir, 'SELECT 1 FROM open_requests').length,
    async settled() {
      let queued = 1;
      while (queued > 0) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        ({ queued } = (await gateway.operations.status()).ledger);
      }
    },
    post,
    chat: (fields = {}, headers = {}) =>
      post('/v1/chat/completions', { model: 'small', messages, ...fields }, headers),
    advanceMs: (ms) => {
      aheadMs += ms;
    },
    setConfig: (next) => {
      yaml = next;
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await mock.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export async function toReply(response: Response): Promise<Reply> {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    code: response.ok ? undefined : codeOf(text),
  };
}

function codeOf(text: string): string | undefined {
  const body: unknown = JSON.parse(text);
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : undefined;
}

function query(dataDir: string, sql: string): LoggedRequest[] {
  const db = new Database(join(dataDir, 'llmgate.db'), { readonly: true });
  try {
    return db.prepare<[], LoggedRequest>(sql).all();
  } finally {
    db.close();
  }
}
