import { expect, test } from 'vitest';
import { databasePath } from '../../src/store/open-database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { brokenLinks } from '../support/chain-walk.ts';
import { queryClosed, readRequestLog, toHexId } from '../support/request-log.ts';
import { startStoreChild } from '../support/store-child.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';

const LINES_PER_ROUND = 3_000;

/** Lets a process write until it has acknowledged enough, kills it, returns what it acknowledged. */
async function crashUnderLoad(dataDir: string): Promise<string[]> {
  await using child = startStoreChild('load', dataDir);
  const lines: string[] = [];
  while (lines.length < LINES_PER_ROUND) {
    const line = await child.nextLine();
    if (line === undefined) throw new Error('the child ended by itself');
    lines.push(line);
  }
  child.kill();
  lines.push(...(await child.rest()));
  await child.exited;
  return lines;
}

test('every acknowledged row survives kill -9, exactly once, round after round', async () => {
  const dataDir = tempDir();
  const opened: string[] = [];
  const settled: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const line of await crashUnderLoad(dataDir)) {
      const [word, id = ''] = line.split(' ');
      if (word === 'open') opened.push(toHexId(id));
      if (word === 'settled') settled.push(toHexId(id));
    }
  }

  await using temp = await openTempStore({ dataDir });
  const check = await temp.store.books.check();
  expect(check.problems).toEqual([]);
  expect(check.open).toBe(0);
  await temp.store.close();

  const rows = readRequestLog(dataDir);
  const outcomes = new Map(rows.map((row) => [row.id, row.outcome]));
  expect(outcomes.size).toBe(rows.length);
  expect(settled.filter((id) => outcomes.get(id) !== 'served')).toEqual([]);
  expect(opened.filter((id) => !outcomes.has(id))).toEqual([]);
  // Of a request that was acknowledged as open, at most the last moment is unknown.
  expect(new Set(outcomes.values())).toEqual(new Set(['served', 'expired']));
  expect(temp.store.recovered).toBeGreaterThan(0);
  expect(check.requests).toBe(rows.length);
  const orphans =
    'SELECT count(*) AS n FROM attempts WHERE request_seq NOT IN (SELECT seq FROM requests)';
  expect(queryClosed(dataDir, orphans)).toEqual([{ n: 0 }]);
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  expect(brokenLinks(db)).toEqual([]);
  db.close();
  expect(rows.map((row) => row.seq)).toEqual(rows.map((_, index) => index + 1));
});
