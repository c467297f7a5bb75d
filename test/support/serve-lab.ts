import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type FinishedRun, LlmgateProcess, runLlmgate } from './llmgate-process.ts';
import type { LoggedRequest } from './start-gateway.ts';

/** A running `llmgate serve` of the compiled binary, ready to take requests. */
export interface Served extends AsyncDisposable {
  readonly process: LlmgateProcess;
  readonly url: string;
}

export interface IssuedKey {
  readonly id: string;
  readonly key: string;
}

export interface UsageTotals {
  readonly requests: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: string | null;
  readonly unpriced: number;
  readonly estimated: number;
}

export interface UsageDocument {
  readonly rows: readonly (UsageTotals & Readonly<Record<string, string | number | null>>)[];
  readonly total: UsageTotals;
}

/** A folder with a configuration and a data directory, and the compiled llmgate run in it. */
export class ServeLab implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'llmgate-serve-'));
  readonly configFile = join(this.folder, 'llmgate.yaml');
  readonly dataDir = join(this.folder, 'data');

  /** `yaml` is everything besides `listen` and `data_dir`. */
  constructor(yaml: string) {
    this.writeConfig(yaml);
  }

  writeConfig(yaml: string): void {
    writeFileSync(this.configFile, `listen: 127.0.0.1:0\ndata_dir: ./data\n${yaml}\n`);
  }

  /** Starts `serve` and resolves when it is ready. Throws an Error with what it wrote otherwise. */
  async serve(flags: readonly string[] = []): Promise<Served> {
    const process = new LlmgateProcess(['serve', ...flags], { cwd: this.folder });
    const [, url = ''] = await process.untilLine(/^llmgate \S+ on (http:\S+),/);
    await untilReady(url);
    return { process, url, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  }

  run(...args: string[]): Promise<FinishedRun> {
    return runLlmgate(args, { cwd: this.folder });
  }

  /** Runs a command that must succeed and print one JSON document. */
  async runJson<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    if (code !== 0) throw new Error(`llmgate ${args.join(' ')}: exit ${code}\n${stderr}`);
    return JSON.parse(stdout) as T;
  }

  createKey(name: string, ...flags: string[]): Promise<IssuedKey> {
    return this.runJson('keys', 'create', '--name', name, ...flags);
  }

  /** Usage of one key by outcome, as `llmgate usage` tells it. */
  usageOf(key: IssuedKey): Promise<UsageDocument> {
    return this.runJson('usage', '--by', 'outcome', '--where', `key=${key.id}`);
  }

  /** Finished rows, oldest first, read beside the process that owns them. */
  rows(where = '1'): LoggedRequest[] {
    return this.query(`SELECT * FROM request_log WHERE ${where} ORDER BY seq`);
  }

  query<Row = LoggedRequest>(sql: string): Row[] {
    const db = new Database(join(this.dataDir, 'llmgate.db'), { readonly: true });
    try {
      return db.prepare<[], Row>(sql).all();
    } finally {
      db.close();
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks until the models of every backend are listed. */
async function untilReady(url: string): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (!(await fetch(`${url}/readyz`, { signal })).ok) signal.throwIfAborted();
}
