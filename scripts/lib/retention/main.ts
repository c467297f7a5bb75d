import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/clock.ts';
import { openLedgerWriter } from '../../../src/store/ledger-writer.ts';
import { databasePath, openDatabase } from '../../../src/store/open-database.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { PurgeOrder } from '../../../src/store/retention.ts';
import { openRollup } from '../../../src/store/rollup.ts';
import type { Store } from '../../../src/store/store.ts';
import { startLoad } from './load.ts';
import { aRow, DAY_MS } from './rows.ts';

const HELP = `Examples:
  scripts/bench-retention                   a month of 5,000,000 requests (some six minutes)
  scripts/bench-retention --rows 500000     the same in small

Writes a month of requests into a directory of its own, then lets one process write 2,000 a second,
first by themselves and then while the thread of the books removes the whole month. Prints the
longest pauses of the thread that writes, with and without the purge, and how fast rows go. At the
end the chain is verified and the books are checked.
`;

const BATCH_ROWS = 5_000;
const ALONE_MS = 20_000;

if (process.argv.includes('--help')) console.log(HELP);
else await main(numberAfter('--rows') ?? 5_000_000);

async function main(rows: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'llmgate-bench-'));
  try {
    const path = databasePath(dataDir);
    const writtenMs = await timed(() => generate(dataDir, rows));
    const bytes = statSync(path).size;
    say(`${rows} requests of 30 days written in ${seconds(writtenMs)}: ${bytesPer(bytes, rows)}`);
    const store = await openStore({ dataDir, clock: systemClock, durability: 'process' });
    try {
      await measure(store, rows);
    } finally {
      await store.close();
    }
    say(`file afterwards: ${bytesPer(statSync(path).size, rows)} of what was written`);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(store: Store, rows: number): Promise<void> {
  const alone = startLoad(store);
  await Bun.sleep(ALONE_MS);
  say(`writing alone: ${(await alone.stop()).text}`);

  const beside = startLoad(store);
  let purged = 0;
  const purgedMs = await timed(async () => {
    purged = await purgeAll(store);
  });
  const load = await beside.stop();
  say(`writing beside the purge: ${load.text}`);
  const rate = Math.round(purged / (purgedMs / 1_000));
  say(`${purged} requests purged in ${seconds(purgedMs)}: ${rate} rows/s`);

  const order = { notes: [], pinnedKey: null, ownKey: null, sinceCheckpoint: false };
  const verified = await store.books.audit.verify({ ...order, threads: 2 });
  const check = await store.books.check();
  const problems = [...verified.faults.map(({ message }) => message), ...check.problems];
  say(problems.length === 0 ? 'chain and books agree' : `WRONG: ${problems.join('; ')}`);
  say(`${check.requests} requests in the books, ${verified.chains.requests.rows} of them as rows`);
  say(`${cpus().length} × ${cpus()[0]?.model}, Bun ${Bun.version}`);
  if (problems.length > 0 || check.requests < rows) process.exitCode = 1;
}

async function purgeAll(store: Store): Promise<number> {
  let order: PurgeOrder = {
    ...{ purge: 'requests', atMs: systemClock.nowMs(), slackMs: 0, afterSeq: 0 },
    cutoffMs: systemClock.nowMs() - DAY_MS,
    maxSpanMs: Number.POSITIVE_INFINITY,
    upToSeq: Number.POSITIVE_INFINITY,
  };
  let rows = 0;
  for (;;) {
    const result = await store.books.purge(order);
    rows += result.rows;
    if (result.isDone) return rows;
    order = { ...order, afterSeq: result.nextSeq };
  }
}

/** As the ledger writes them, in larger commits. */
async function generate(dataDir: string, rows: number): Promise<void> {
  const db = openDatabase(dataDir, 'process');
  // Nothing here has to survive a crash.
  db.pragma('synchronous = OFF');
  db.pragma('wal_autocheckpoint = 10000');
  const writer = openLedgerWriter(db);
  const endMs = systemClock.nowMs() - 2 * DAY_MS;
  const stepMs = (30 * DAY_MS) / rows;
  for (let at = 0; at < rows; at += BATCH_ROWS) {
    writer.begin();
    for (let row = at; row < Math.min(at + BATCH_ROWS, rows); row += 1) {
      writer.settle(aRow(row, Math.floor(endMs - (rows - row) * stepMs)), []);
    }
    writer.commit();
  }
  openRollup(db).catchUp();
  db.close();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  await work();
  return systemClock.monotonicMs() - startedMs;
}

function numberAfter(flag: string): number | undefined {
  const at = process.argv.indexOf(flag);
  return at === -1 ? undefined : Number(process.argv[at + 1]);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function bytesPer(bytes: number, rows: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB, ${(bytes / rows).toFixed(0)} B a request`;
}

function say(line: string): void {
  console.log(line);
}
