import { writeSync } from 'node:fs';
import { systemClock } from '../../src/core/clock.ts';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE, type Usage } from '../../src/core/usage.ts';
import { costOf } from '../../src/pricing/cost.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { openStore } from '../../src/store/open-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { aFinishedRow, anOpenRow, aPrice } from './request-rows.ts';

// The process behind `startStoreChild`. Every line it prints is a fact that must survive it.

const [role = '', dataDir = ''] = process.argv.slice(2);
const IN_FLIGHT = 40;
const price = aPrice({ input: 120_000, cachedInput: 30_000, output: 360_000 });
const usage: Usage = { ...NO_USAGE, inputTokens: 50, cachedInputTokens: 20, outputTokens: 30 };

function say(line: string): void {
  // Not a stream: what is printed has left the process before the next statement runs.
  writeSync(1, `${line}\n`);
}

async function load(store: Store): Promise<never> {
  for (;;) {
    const booking = { id: Bun.randomUUIDv7(), startedAtMs: systemClock.nowMs(), price };
    await store.ledger.open(anOpenRow({ ...booking, holdNanoUsd: nanoUsd(1_000_000) }));
    say(`open ${booking.id}`);
    store.ledger.progress(booking.id, usage);
    await store.ledger.settle(
      aFinishedRow({ ...booking, usage, costNanoUsd: costOf(usage, price, 0), attempts: 2 }),
      [1, 2].map((attempt) => ({
        attempt,
        backend: 'gpu0',
        startedAtMs: booking.startedAtMs,
        durationMs: 3.25,
        code: attempt === 1 ? 'backend_error' : null,
        status: attempt === 1 ? 500 : 200,
      })),
    );
    say(`settled ${booking.id}`);
  }
}

function dropPrivileges(): void {
  const NOBODY = 65_534;
  if (process.getuid?.() !== 0) return;
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

/** Everything of the newest migration but its commit. */
function dieMigrating(): never {
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  // So small that what was changed is in the log already, not only in memory.
  db.pragma('cache_size = 10');
  db.exec('BEGIN IMMEDIATE');
  MIGRATIONS.at(-1)?.(db);
  say('moved');
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}

/** Every row but the newest, over and over. */
async function purge(store: Store): Promise<void> {
  for (;;) {
    const { rows } = await store.books.purge({
      ...{ purge: 'requests', atMs: systemClock.nowMs(), cutoffMs: systemClock.nowMs() },
      ...{ slackMs: 0, maxSpanMs: Number.POSITIVE_INFINITY, afterSeq: 0 },
      upToSeq: Number.POSITIVE_INFINITY,
    });
    if (rows === 0) return;
  }
}

if (role === 'die-migrating') dieMigrating();
if (role === 'open-unprivileged') dropPrivileges();
try {
  const store = await openStore({ dataDir, clock: systemClock, durability: 'process' });
  say(`ready ${store.recovered}`);
  if (role === 'load') {
    // One that never ends, so that every crash leaves something open.
    const endless = anOpenRow();
    await store.ledger.open(endless);
    say(`open ${endless.id}`);
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => load(store)));
  }
  if (role === 'purge') await purge(store);
  if (role === 'hold') await new Promise(() => setInterval(() => {}, 60_000));
  await store.close();
} catch (cause) {
  if (!(cause instanceof StoreError)) throw cause;
  say(`refused ${cause.message}`);
}
