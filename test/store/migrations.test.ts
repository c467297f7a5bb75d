import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nanoUsd } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { MIGRATIONS, SCHEMA_VERSION } from '../../src/store/migrations.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import { isUpdatingGolden } from '../support/golden.ts';
import { aFinishedRow, anOpenRow, aPrice } from '../support/request-rows.ts';
import { dumpDatabase, dumpSchema } from '../support/sql-dump.ts';
import { aKey, openTempStore, tempDir } from '../support/temp-store.ts';

// Every released schema lies in test/golden/schema as a database with a few rows. It must open in
// this version, and the migrations that made it must never change. UPDATE_GOLDEN=1 writes the
// newest one, which is right only until that schema is released.

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
  }
  const db = openFile(databasePath(dataDir));
  db.prepare("UPDATE meta SET value = ? WHERE name = 'install_id'").run(INSTALL_ID);
  const dump = dumpDatabase(db);
  db.close();
  return dump;
}

if (isUpdatingGolden(process.env)) {
  const name = `${String(SCHEMA_VERSION).padStart(4, '0')}.sql`;
  writeFileSync(join(GOLDEN, name), await dumpOfSmallStore());
}

const goldens = readdirSync(GOLDEN).toSorted();

test('every schema has its golden database', () => {
  expect(goldens).toEqual(
    MIGRATIONS.map((_, index) => `${String(index + 1).padStart(4, '0')}.sql`),
  );
});

test.each(goldens)('%s opens in this version with everything in it', async (name) => {
  const dataDir = tempDir();
  const db = openFile(databasePath(dataDir));
  db.exec(readFileSync(join(GOLDEN, name), 'utf8'));
  db.close();
  writeFileSync(join(dataDir, 'install-id'), `${INSTALL_ID}\n`);

  await using temp = await openTempStore({ dataDir });
  expect(temp.store.keys.all()).toEqual([name === '0001.sql' ? key : { ...key, ...since2 }]);
  expect(temp.store.recovered).toBe(1);
  const check = await temp.store.books.check();
  expect(check).toMatchObject({ requests: 3, open: 0, costNanoUsd: 31_000n, problems: [] });
});

test.each(goldens)('the migrations that made %s have not changed', (name) => {
  const golden = openFile(':memory:');
  golden.exec(readFileSync(join(GOLDEN, name), 'utf8'));
  const made = openFile(':memory:');
  for (const migration of MIGRATIONS.slice(0, Number.parseInt(name, 10))) migration(made);
  expect(dumpSchema(made)).toBe(dumpSchema(golden));
});
