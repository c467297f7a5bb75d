import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkRoom } from '../../src/store/migrate-safely.ts';
import { schemaVersionOf } from '../../src/store/migrations.ts';
import { databasePath, openDatabase } from '../../src/store/open-database.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import { StoreError } from '../../src/store/store-error.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import { brokenLinks } from '../support/chain-walk.ts';
import { dumpDatabase } from '../support/sql-dump.ts';
import { startStoreChild } from '../support/store-child.ts';
import { tempDir } from '../support/temp-store.ts';

const SCHEMA_1 = readFileSync(join(import.meta.dirname, '../golden/schema/0001.sql'), 'utf8');
const MINUTE_MS = 60_000;

/** A directory with a database of schema 1, changed by `sql`. */
function oldDir(sql = ''): string {
  const dataDir = tempDir();
  const db = openFile(databasePath(dataDir));
  db.pragma('journal_mode = WAL');
  db.exec(SCHEMA_1);
  db.exec(sql);
  db.close();
  const installId = /'install_id', '([^']+)'/.exec(SCHEMA_1)?.[1];
  writeFileSync(join(dataDir, 'install-id'), `${installId}\n`);
  return dataDir;
}

function openFile(path: string): Database {
  return openSqlite(path, { busyTimeoutMs: 0, mustExist: false });
}

/** Everything in it, in an order that a copy keeps. */
function contentOf(path: string): string {
  const db = openFile(path);
  const lines = dumpDatabase(db).split(';\n').toSorted();
  db.close();
  return lines.join(';\n');
}

/** Requests that begin `minutes` apart, every third cut and estimated, the last not yet summed. */
function manyRequests(count: number, minutes: number): string {
  return `
    INSERT INTO names (id, name) VALUES (20, 'cut_by_caller'), (21, 'caller_gone'), (22, 'counted');
    INSERT INTO requests
    WITH n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    SELECT i, randomblob(16), 1, iif(i % 2, 2, 0), 0, 0, 1, 3, 4, 5, i % 2,
      iif(i % 3, 6, 20), iif(i % 3, 0, 21), iif(i % 3, 200, 499),
      1763600000000 + i * ${minutes * MINUTE_MS}, 250, iif(i % 5, i, NULL), 249000,
      i, i / 2, i * 2, i % 7, iif(i % 3, 7, 22), iif(i % 3, 0, 1), i % 2,
      iif(i % 2, i * 100, NULL), 1 FROM n;
    UPDATE meta SET value = ${count - 1} WHERE name = 'rolled_up_seq'`;
}

test('an older database is copied, moved row by row, and chained from its first request', () => {
  const dataDir = oldDir(manyRequests(5_100, 1));
  const path = databasePath(dataDir);
  const before = contentOf(path);
  const events: StoreEvent[] = [];
  const db = openDatabase(dataDir, 'process', (event) => events.push(event));

  expect(schemaVersionOf(db)).toBe(2);
  expect(brokenLinks(db)).toEqual([]);
  expect(db.prepare('SELECT count(*), max(seq) FROM requests').raw().get()).toEqual([5_100, 5_100]);
  const view = db.prepare('SELECT * FROM request_log WHERE seq IN (1, 9) ORDER BY seq').all();
  expect(view).toMatchObject([
    { user: 'ada', tags: '{"env":"prod"}', outcome: 'served', input_tokens: 10, attempts: 2 },
    { user: 'ada', outcome: 'cut_by_caller', code: 'caller_gone', status: 499, estimated: 1 },
  ]);
  db.close();

  expect(events.map(({ event }) => event)).toEqual(['store_migrating', 'store_migrated']);
  expect(events.at(-1)?.message).toContain(`${path}.schema1.bak`);
  expect(statSync(`${path}.schema1.bak`).mode & 0o777).toBe(0o600);
  expect(contentOf(`${path}.schema1.bak`)).toBe(before);
  expect(readdirSync(dataDir).toSorted()).toEqual([
    'install-id',
    'llmgate.db',
    'llmgate.db.schema1.bak',
  ]);
});

test('sums of quarters, days and months are those of the requests that the hours had', () => {
  // Some forty days: three months, and quarters that share an hour.
  const db = openDatabase(oldDir(manyRequests(4_000, 15)), 'process');
  const starts = {
    0: `strftime('%s', started_at_ms / 1000, 'unixepoch') / 900`,
    1: `unixepoch(date(started_at_ms / 1000, 'unixepoch')) / 86400`,
    2: `strftime('%Y', started_at_ms / 1000, 'unixepoch') * 12
        + strftime('%m', started_at_ms / 1000, 'unixepoch') - 1`,
  };
  for (const [grain, start] of Object.entries(starts)) {
    const stored = db
      .prepare(
        `SELECT start, d.words, n.name, requests, unpriced, estimated, input_tokens,
           cached_input_tokens, output_tokens, reasoning_tokens, cost_nano_usd,
           estimated_cost_nano_usd,
           coalesce((SELECT sum(value) FROM json_each(ttft)), 0)
         FROM usage_sums u JOIN dimensions d ON d.id = u.dimension JOIN names n ON n.id = u.outcome
         WHERE grain = ? ORDER BY 1, 2, 3`,
      )
      .raw()
      .all(grain);
    const counted = db
      .prepare(
        `SELECT ${start}, d.words, outcome, count(*), sum(cost_nano_usd IS NULL), sum(estimated),
           sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(reasoning_tokens),
           coalesce(sum(cost_nano_usd), 0),
           coalesce(sum(cost_nano_usd) FILTER (WHERE estimated), 0), count(ttft_us)
         FROM request_log JOIN (
           SELECT r.seq, d.words FROM requests r JOIN dimensions d ON d.id = r.dimension
         ) d USING (seq)
         WHERE seq < 4000 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
      )
      .raw()
      .all();
    expect(stored.length).toBeGreaterThan(3);
    expect(stored).toEqual(counted);
  }
  db.close();
});

test('a migration that fails midway leaves the database as it was, and a copy beside it', () => {
  // Two sets of words that have become one cannot be told apart: the move of the words fails.
  const dataDir = oldDir(`DELETE FROM names WHERE name = 'ada';
    INSERT INTO requests SELECT 3, randomblob(16), key, 0, team, tenant, tags, model, backend,
      endpoint, streamed, outcome, code, status, started_at_ms, duration_ms, ttft_us, backend_us,
      input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, usage_source, estimated,
      price, cost_nano_usd, attempts FROM requests WHERE seq = 1`);
  const path = databasePath(dataDir);
  const before = contentOf(path);
  const open = () => openDatabase(dataDir, 'process');
  expect(open).toThrow(StoreError);
  expect(open).toThrow(
    /llmgate\.db could not be brought to schema 2 \(SQLITE_CONSTRAINT_UNIQUE\) and is as it was; .*\.$/,
  );
  expect(contentOf(path)).toBe(before);
  expect(contentOf(`${path}.schema1.bak`)).toBe(before);
});

test('a process killed before the end of the migration leaves the database as it was', async () => {
  const dataDir = oldDir(manyRequests(2_000, 1));
  const before = contentOf(databasePath(dataDir));
  await using child = startStoreChild('die-migrating', dataDir);
  expect(await child.nextLine()).toBe('moved');
  await child.exited;
  expect(contentOf(databasePath(dataDir))).toBe(before);
  const db = openDatabase(dataDir, 'process');
  expect(brokenLinks(db)).toEqual([]);
  db.close();
});

test('a copy that was left unfinished is made again', () => {
  const dataDir = oldDir();
  const copy = `${databasePath(dataDir)}.schema1.bak`;
  const before = contentOf(databasePath(dataDir));
  writeFileSync(`${copy}.new`, 'half a copy');
  openDatabase(dataDir, 'process').close();
  expect(contentOf(copy)).toBe(before);
  expect(readdirSync(dataDir)).not.toContain('llmgate.db.schema1.bak.new');
});

test('without room for a copy and the new rows nothing is begun', () => {
  expect(() => checkRoom('/data/llmgate.db', 1_000_000, 5_000_000)).not.toThrow();
  expect(() => checkRoom('/data/llmgate.db', 1_000_000, 4_999_999)).toThrow(
    '/data/llmgate.db must be brought to schema 2, which needs 5 MB of room and the disk has 5 MB; nothing was changed, make room.',
  );
});
