import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { databasePath } from '../../src/store/open-database.ts';
import { checkSqliteVersion, openSqlite } from '../../src/store/sqlite.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { aFinishedRow } from '../support/request-rows.ts';
import { someKey } from '../support/some-key.ts';
import { startStoreChild } from '../support/store-child.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';

/** A closed data directory with a key and enough requests to fill some pages. */
async function usedDir(): Promise<string> {
  const dataDir = tempDir();
  await using temp = await openTempStore({ dataDir });
  temp.store.keys.insert(someKey());
  await Promise.all(
    Array.from({ length: 500 }, () => temp.store.ledger.settle(aFinishedRow(), [])),
  );
  return dataDir;
}

async function refusalOf(dataDir: string): Promise<string> {
  const cause = await openTempStore({ dataDir }).catch((thrown: unknown) => thrown);
  if (!(cause instanceof StoreError)) throw new Error(`expected a StoreError, got ${cause}`);
  return cause.message;
}

function editDatabase(dataDir: string, sql: string): void {
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  db.exec(sql);
  db.close();
}

test('first use makes a private directory with the files of the contract', async () => {
  const dataDir = join(tempDir(), 'deep', 'data');
  {
    await using temp = await openTempStore({ dataDir, worker: true });
    await temp.store.books.check();
    for (const name of readdirSync(dataDir)) {
      expect([name, statSync(join(dataDir, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  }
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(readdirSync(dataDir).toSorted()).toEqual(['install-id', 'llmgate.db', 'lock']);
});

test.each([
  [0o700, []],
  [0o755, []],
  [0o770, ['data_dir_shared']],
  [0o777, ['data_dir_shared']],
])('a directory that others can write to is told of: mode %o', async (mode, expected) => {
  const dataDir = tempDir();
  chmodSync(dataDir, mode);
  await using temp = await openTempStore({ dataDir });
  expect(temp.events.map(({ event }) => event)).toEqual(expected);
});

interface Damage {
  readonly name: string;
  readonly act: (dataDir: string) => unknown;
  readonly says: string;
}

const damages: Damage[] = [
  {
    name: 'emptied',
    act: (dir) => truncateSync(databasePath(dir), 0),
    says: 'is empty, but this directory has been in use',
  },
  {
    name: 'removed',
    act: (dir) => rmSync(databasePath(dir)),
    says: 'is missing, but this directory has been in use',
  },
  {
    name: 'replaced by a new empty database',
    act(dir) {
      rmSync(databasePath(dir));
      editDatabase(touch(dir), 'PRAGMA journal_mode = WAL');
    },
    says: 'is empty, but this directory has been in use',
  },
  {
    name: 'cut in half',
    act: (dir) => truncateSync(databasePath(dir), statSync(databasePath(dir)).size / 2),
    says: 'is damaged',
  },
  {
    name: 'overwritten in the middle',
    act(dir) {
      const bytes = readFileSync(databasePath(dir));
      bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 8_192);
      writeFileSync(databasePath(dir), bytes);
    },
    says: 'is damaged',
  },
  {
    name: 'overwritten from the start',
    act: (dir) => writeFileSync(databasePath(dir), 'not a database at all'.repeat(1_000)),
    says: 'is not an SQLite database',
  },
  {
    name: 'of another program',
    act(dir) {
      rmSync(databasePath(dir));
      editDatabase(touch(dir), 'CREATE TABLE songs (title TEXT)');
    },
    says: 'is not a database of llmgate',
  },
  {
    name: 'of another installation',
    act: async (dir) => copyFileSync(databasePath(await usedDir()), databasePath(dir)),
    says: 'belongs to another installation than',
  },
  {
    name: 'without its install id',
    act: (dir) => editDatabase(dir, "DELETE FROM meta WHERE name = 'install_id'"),
    says: 'has lost its install id',
  },
  {
    name: 'of a newer llmgate',
    act: (dir) => editDatabase(dir, 'PRAGMA user_version = 99'),
    says: 'was written by a newer llmgate (schema 99',
  },
];

function touch(dataDir: string): string {
  writeFileSync(databasePath(dataDir), '');
  return dataDir;
}

test.each(damages)('a database $name is refused and left alone', async ({ act, says }) => {
  const dataDir = await usedDir();
  await act(dataDir);
  const path = databasePath(dataDir);
  const before = existsSync(path) ? readFileSync(path) : undefined;
  const message = await refusalOf(dataDir);
  expect(message).toContain(`${path} ${says}`);
  expect(message).not.toContain('\n');
  // The lock is free again, and the second look says the same.
  expect(await refusalOf(dataDir)).toBe(message);
  expect(existsSync(path) ? readFileSync(path) : undefined).toEqual(before);
});

test('a crash on first use, before the install id is written, leaves a usable directory', async () => {
  const dataDir = await usedDir();
  const id = readFileSync(join(dataDir, 'install-id'), 'utf8');
  rmSync(join(dataDir, 'install-id'));
  await using temp = await openTempStore({ dataDir });
  expect(temp.store.keys.page(null, 1_000)).toHaveLength(1);
  expect(readFileSync(join(dataDir, 'install-id'), 'utf8')).toBe(id);
});

test('a file made by the first open and nothing more counts as new', async () => {
  const dataDir = touch(tempDir());
  await using temp = await openTempStore({ dataDir });
  expect(temp.store.keys.page(null, 1_000)).toEqual([]);
});

test('a second process is refused with the pid of the first, until that one dies', async () => {
  const dataDir = tempDir();
  await using holder = startStoreChild('hold', dataDir);
  expect(await holder.nextLine()).toBe('ready 0');
  expect(await refusalOf(dataDir)).toBe(
    `data directory ${dataDir} is in use by process ${holder.pid}; stop it, or use another data_dir.`,
  );
  holder.kill();
  await holder.exited;
  await using temp = await openTempStore({ dataDir });
  expect(temp.store.recovered).toBe(0);
});

test('a second store in the same process is refused and does not loosen the first lock', async () => {
  const dataDir = tempDir();
  await using temp = await openTempStore({ dataDir });
  expect(await refusalOf(temp.dataDir)).toContain(`in use by process ${process.pid}`);
  await using other = startStoreChild('hold', dataDir);
  expect(await other.nextLine()).toContain(`in use by process ${process.pid}`);
  await other.exited;
});

test('a directory that may not be written is refused in one plain line', async () => {
  const dataDir = await usedDir();
  chmodSync(join(dataDir, '..'), 0o755);
  chmodSync(dataDir, 0o555);
  for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), 0o444);
  await using child = startStoreChild('open-unprivileged', dataDir);
  const line = await child.nextLine();
  expect(line).toMatch(/^refused \S+ cannot be used \((EACCES|SQLITE_[A-Z]+)\); give /);
  expect(await child.exited).toBe(0);
});

test('a data directory below a file is refused', async () => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  expect(await refusalOf(join(file, 'data'))).toMatch(/cannot be used \(E(NOTDIR|EXIST)\)/);
});

test.each([
  ['3.51.2', false],
  ['3.50.9', false],
  ['2.99.99', false],
  ['3.51.3', true],
  ['3.52.0', true],
  ['4.0.0', true],
])('SQLite %s is safe: %s', (version, isSafe) => {
  const check = () => checkSqliteVersion(version);
  if (isSafe) expect(check).not.toThrow();
  else expect(check).toThrow(StoreError);
});
