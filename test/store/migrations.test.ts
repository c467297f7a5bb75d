import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { brokenLinks } from '../support/chain-walk.ts';
import { isUpdatingGolden } from '../support/golden.ts';
import { aFinishedRow, anOpenRow, aPrice } from '../support/request-rows.ts';
import { dumpDatabase, dumpSchema } from '../support/sql-dump.ts';
import { aKey, openTempStore, tempDir } from '../support/temp-store.ts';

// Every released schema lies in test/golden/schema as a database with a few rows. It must open in
// this version, and the migrations that made it must never change; what this version writes is the
// newest one to the byte, hashes included. UPDATE_GOLDEN=1 writes that one anew, which is right
// only until its schema is released.

const GOLDEN = join(import.meta.dirname, '../golden/schema');
const INSTALL_ID = '6f1e7c52-5f0c-4b8e-9a67-0d6c1f2b3a49';
const price = aPrice({
  input: 1_000_000,
  cachedInput: 500_000,
  output: 2_000_000,
  reasoning: 3_000_000,
});
const key = aKey({
  user: 'ada',
  models: ['small'],
  endpoints: ['chat'],
  secrets: [{ digest: new Uint8Array(32).fill(7), createdAtMs: 1, expiresAtMs: null }],
  limits: {
    requestsPerMinute: 60,
    tokensPerMinute: null,
    concurrency: 2,
    budget: { nanoUsd: 5_000_000_000, window: 'month' },
    tokenBudget: null,
    maxOutputTokens: null,
  },
  tags: { env: 'prod' },
});
/** What a key has only since schema 2. */
const since2 = { limits: { ...key.limits, maxOutputTokens: 500 }, content: 'redacted' } as const;

function idOf(last: number): string {
  return `0197a3c2-5e00-7abc-8def-00000000000${last}`;
}

function openFile(path: string): Database {
  return openSqlite(path, { busyTimeoutMs: 0, mustExist: false });
}

/** What there is since schema 2: one budget, one event, one checkpoint. */
function writeBudgetAndEvent({ budgets, audit }: Store): void {
  const target = { per: 'team', subject: 'research', measure: 'usd', window: 'month' } as const;
  budgets.putBudget({ ...target, limit: 1_000_000_000, createdAtMs: 5 });
  const who = { actor: 'ada', origin: 'offline', action: 'budget.set', target: 'team:research' };
  audit.record({ atMs: 5, ...who, before: null, after: { usd: 1 } });
  audit.addCheckpoint({ atMs: 6, heads: audit.heads(), note: 'a signed note' });
}

/** One key, one request served in two attempts, one refused, one still open. */
async function dumpOfSmallStore(): Promise<string> {
  const dataDir = tempDir();
  {
    await using temp = await openTempStore({ dataDir });
    const { ledger, books, keys } = temp.store;
    const booking = { user: 'ada', tags: { env: 'prod' }, price };
    keys.insert({ ...key, ...since2 });
    const tokens = { inputTokens: 10, cachedInputTokens: 4, outputTokens: 6, reasoningTokens: 1 };
    const usage = { ...NO_USAGE, ...tokens };
    await ledger.settle(
      aFinishedRow({ id: idOf(1), ...booking, usage, costNanoUsd: nanoUsd(21_000), attempts: 2 }),
      [
        {
          attempt: 1,
          backend: 'gpu0',
          startedAtMs: 1,
          durationMs: 2,
          code: 'backend_error',
          status: 500,
        },
        { attempt: 2, backend: 'gpu1', startedAtMs: 3, durationMs: 4, code: null, status: 200 },
      ],
    );
    await books.check();
    const refused = { outcome: 'refused', code: 'insufficient_quota', status: 429 } as const;
    await ledger.settle(aFinishedRow({ id: idOf(2), backend: null, ttftMs: null, ...refused }), []);
    await ledger.open(anOpenRow({ id: idOf(3), ...booking, holdNanoUsd: nanoUsd(50_000) }));
    ledger.progress(idOf(3), { ...NO_USAGE, inputTokens: 10 });
    writeBudgetAndEvent(temp.store);
  }
  const db = openFile(databasePath(dataDir));
  db.prepare("UPDATE meta SET value = ? WHERE name = 'install_id'").run(INSTALL_ID);
  const dump = dumpDatabase(db);
  db.close();
  return dump;
}

const goldens = MIGRATIONS.map((_, index) => `${String(index + 1).padStart(4, '0')}.sql`);

test('what this version writes is the newest golden database', async () => {
  const path = join(GOLDEN, goldens.at(-1) ?? '');
  const dump = await dumpOfSmallStore();
  if (isUpdatingGolden(process.env)) writeFileSync(path, dump);
  expect(dump).toBe(readFileSync(path, 'utf8'));
});

test('every schema has its golden database', () => {
  expect(readdirSync(GOLDEN).toSorted()).toEqual(goldens);
});

test.each(goldens)('%s opens in this version with everything in it', async (name) => {
  const dataDir = tempDir();
  const db = openFile(databasePath(dataDir));
  db.exec(readFileSync(join(GOLDEN, name), 'utf8'));
  db.close();
  writeFileSync(join(dataDir, 'install-id'), `${INSTALL_ID}\n`);

  await using temp = await openTempStore({ dataDir });
  expect(temp.store.keys.page(null, 1_000)).toEqual([
    name === '0001.sql' ? key : { ...key, ...since2 },
  ]);
  expect(temp.store.recovered).toBe(1);
  const check = await temp.store.books.check();
  expect(check).toMatchObject({ requests: 3, open: 0, costNanoUsd: 31_000n, problems: [] });
  if (name === '0001.sql') return;
  expect(temp.store.audit.heads().admin_events.seq).toBe(1);
  expect(temp.store.audit.lastCheckpoint()).toMatchObject({ note: 'a signed note' });
  expect(temp.store.budgets.budgets()).toMatchObject([{ subject: 'research', createdAtMs: 5 }]);
});

test('the chain of a migrated database goes on in the words of this version', async () => {
  const dataDir = tempDir();
  const db = openFile(databasePath(dataDir));
  db.exec(readFileSync(join(GOLDEN, '0001.sql'), 'utf8'));
  db.close();
  {
    await using temp = await openTempStore({ dataDir });
    await temp.store.ledger.settle(aFinishedRow({ user: 'ada', tags: { env: 'prod' }, price }), []);
  }
  const migrated = openFile(databasePath(dataDir));
  expect(brokenLinks(migrated)).toEqual([]);
  // The same requests have the same hashes, whichever version wrote them.
  const golden = openFile(':memory:');
  golden.exec(readFileSync(join(GOLDEN, '0002.sql'), 'utf8'));
  const hashes = 'SELECT seq, hash FROM request_log WHERE seq <= 2 ORDER BY seq';
  expect(migrated.prepare(hashes).all()).toEqual(golden.prepare(hashes).all());
  // The words were known, so nothing was numbered twice.
  const sizes = 'SELECT (SELECT count(*) FROM dimensions), (SELECT count(*) FROM prices)';
  expect(migrated.prepare(sizes).raw().get()).toEqual([2, 1]);
  migrated.close();
});

test.each(goldens)('the migrations that made %s have not changed', (name) => {
  const golden = openFile(':memory:');
  golden.exec(readFileSync(join(GOLDEN, name), 'utf8'));
  const made = openFile(':memory:');
  for (const migration of MIGRATIONS.slice(0, Number.parseInt(name, 10))) migration(made);
  expect(dumpSchema(made)).toBe(dumpSchema(golden));
});
