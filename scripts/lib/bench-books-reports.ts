import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenBooks, openBooks } from '../../src/store/books.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import { monthStartMs } from '../../src/store/usage-range.ts';
import type { UsageDimension, UsageQuery } from '../../src/store/usage-report.ts';
import { verifyAudit } from '../../src/store/verify-audit.ts';
import { freePort, residentBytes } from './overhead/processes.ts';
import { ROOT } from './root.ts';

const BINARY = join(ROOT, 'dist', 'llmgate');
const REPEATS = 7;

export interface Sizes {
  readonly rows: number;
  readonly sums: number;
  readonly fileBytes: number;
  /** By table and index, the largest first. */
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
}

/** What lies in the file; reads all of it. */
export function measureSizes(dataDir: string): Sizes {
  const path = databasePath(dataDir);
  return withDatabase(path, (db) => ({
    rows: count(db, 'SELECT max(seq) FROM requests'),
    sums: count(db, 'SELECT count(*) FROM usage_sums'),
    fileBytes: statSync(path).size,
    // Its column of bytes has 32 bits; that of pages is small enough.
    parts: db
      .prepare<[], { name: string; bytes: number }>(
        `SELECT name, pageno * page_size AS bytes FROM dbstat, pragma_page_size
         WHERE aggregate = TRUE ORDER BY 2 DESC`,
      )
      .all(),
  }));
}

export interface ReportTimes {
  readonly report: string;
  readonly rows: number;
  /** Milliseconds of each repeat, the first one cold. */
  readonly timesMs: readonly number[];
  /** CPU time of one repeat, which others on the machine lengthen less. */
  readonly cpuMs: number;
}

/** Reports on the last full month of the books, as the worker makes them. */
export function measureReports(dataDir: string): ReportTimes[] {
  return withDatabase(databasePath(dataDir), (db) => {
    const books = openBooks(db);
    const month = lastFullMonth(db);
    const range = { sinceMs: monthStartMs(month), untilMs: monthStartMs(month + 1) };
    const ofKey = { dimension: 'key', value: 'K00000000007' } as const;
    const report = (name: string, by: readonly UsageDimension[], where: UsageQuery['where'] = []) =>
      timeReport(name, books, { ...range, by, where });
    return [
      report('month by team', ['team']),
      report('month by model', ['model']),
      report('month by key', ['key']),
      report('month by day and team', ['day', 'team']),
      report("one key's month", [], [ofKey]),
      report("one key's month by model", ['model'], [ofKey]),
      report("one key's month by day", ['day'], [ofKey]),
    ];
  });
}

function timeReport(report: string, books: OpenBooks, query: UsageQuery): ReportTimes {
  const timesMs: number[] = [];
  let rows = 0;
  const { user, system } = process.cpuUsage();
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    const atMs = performance.now();
    rows = books.usage(query).rows.length;
    timesMs.push(performance.now() - atMs);
  }
  const now = process.cpuUsage();
  const cpuMs = (now.user + now.system - user - system) / 1_000 / REPEATS;
  return { report, rows, timesMs, cpuMs };
}

function lastFullMonth(db: Database): number {
  return count(db, 'SELECT max(start) FROM usage_sums WHERE grain = 2') - 1;
}

export interface Rate {
  readonly perSecond: number;
  /** Of CPU time of all threads, which others on the machine lengthen less. */
  readonly perCpuSecond: number;
}

/** Returns a function that says how fast so many rows were since this call. */
function startRate(): (rows: number) => Rate {
  const atMs = performance.now();
  const before = process.cpuUsage();
  return (rows) => {
    const { user, system } = process.cpuUsage(before);
    return {
      perSecond: rows / ((performance.now() - atMs) / 1_000),
      perCpuSecond: rows / ((user + system) / 1e6),
    };
  };
}

/** Rows a second of `audit verify` on so many threads. Throws when the chain is broken. */
export async function measureVerify(dataDir: string, threads: number): Promise<Rate> {
  const rateOf = startRate();
  const { ok, chains, faults } = await verifyAudit({
    ...{ databasePath: databasePath(dataDir), threads, notes: [], pinnedKey: null, ownKey: null },
    sinceCheckpoint: false,
  });
  if (!ok) throw new Error(`the books do not verify: ${JSON.stringify(faults)}`);
  return rateOf(chains.requests.rows);
}

/** Rows a second of `ledger check`. Throws when it finds anything. */
export function measureCheck(dataDir: string): Rate {
  return withDatabase(databasePath(dataDir), (db) => {
    const books = openBooks(db);
    const rateOf = startRate();
    const { requests, problems } = books.check();
    if (problems.length > 0) throw new Error(`the books are wrong: ${problems.join(' ')}`);
    return rateOf(requests);
  });
}

export interface GatewayTimes {
  /** From the start of the program to `/healthz`. */
  readonly startMs: readonly number[];
  readonly residentBytes: number;
  /** The whole command, its own start included. */
  readonly commandsMs: Readonly<Record<string, readonly number[]>>;
}

/** The compiled executable on this data directory, and commands that ask it. */
export async function measureGateway(dataDir: string): Promise<GatewayTimes> {
  const folder = mkdtempSync(join(tmpdir(), 'llmgate-books-'));
  const file = join(folder, 'llmgate.yaml');
  const port = freePort();
  writeFileSync(file, configuration(port, dataDir));
  const month = withDatabase(databasePath(dataDir), lastFullMonth);
  const day = (at: number) => new Date(monthStartMs(at)).toISOString().slice(0, 10);
  const range = ['--since', day(month), '--until', day(month + 1), '-c', file, '-o', 'json'];
  const startMs: number[] = [];
  const commandsMs: Record<string, number[]> = {};
  let resident = 0;
  try {
    for (let round = 0; round < 3; round += 1) {
      const atMs = performance.now();
      const gateway = Bun.spawn([BINARY, 'serve', '-c', file], {
        stdout: 'ignore',
        stderr: 'ignore',
      });
      await untilHealthy(port);
      startMs.push(performance.now() - atMs);
      for (const [name, options] of Object.entries({
        '--version, for comparison': ['--version'],
        'usage --by key': ['usage', '--by', 'key', ...range],
        'usage --by team': ['usage', '--by', 'team', ...range],
        'usage --where key=… --by model': [
          ...['usage', '--where', 'key=K00000000007', '--by', 'model', ...range],
        ],
      })) {
        commandsMs[name] = [...(commandsMs[name] ?? []), await timeCommand(options)];
      }
      resident = residentBytes(gateway.pid);
      gateway.kill('SIGTERM');
      await gateway.exited;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { startMs, residentBytes: resident, commandsMs };
}

function configuration(port: number, dataDir: string): string {
  return `listen: 127.0.0.1:${port}
data_dir: ${dataDir}
log: { level: warn }
backends:
  mock: { type: vllm, url: "http://127.0.0.1:9" }
models:
  bench: { targets: [mock], price: { input: 0.5, output: 1.5 }, context_tokens: 1000000 }
budgets:
  - { per: key, usd: 1000000, window: month }
  - { per: all, usd: 5000000, window: total }
`;
}

async function untilHealthy(port: number): Promise<void> {
  const deadlineMs = performance.now() + 120_000;
  while (performance.now() < deadlineMs) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`);
      if (answer.ok) return;
    } catch {
      await Bun.sleep(2);
    }
  }
  throw new Error('the gateway did not start');
}

async function timeCommand(options: readonly string[]): Promise<number> {
  const atMs = performance.now();
  const command = Bun.spawn([BINARY, ...options], { stdout: 'ignore', stderr: 'pipe' });
  const said = await new Response(command.stderr).text();
  if ((await command.exited) !== 0) throw new Error(said);
  return performance.now() - atMs;
}

function count(db: Database, sql: string): number {
  return Number(db.prepare<[], number>(sql).pluck().get());
}

function withDatabase<T>(path: string, work: (db: Database) => T): T {
  const db = openSqlite(path, { busyTimeoutMs: 5_000, mustExist: true });
  try {
    return work(db);
  } finally {
    db.close();
  }
}
