import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { contentPath } from '../../src/store/content/content-database.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { type PreparedRestore, prepareRestore } from '../../src/store/restore.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { StoreError, StoreInUseError } from '../../src/store/store-error.ts';
import { copyRestoreLab, DIGEST, filesIn, makeRestoreLab, settle } from '../support/restore-lab.ts';
import { openTempStore, tempDir } from '../support/temp-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'llmgate-restore-'));
/** Two installations, made once. */
const template = join(folder, 'template');
const stranger = join(folder, 'stranger');

beforeAll(async () => {
  for (const each of [template, stranger]) await makeRestoreLab(each);
});

afterAll(() => rmSync(folder, { recursive: true }));

const WHO = { actor: 'ada', origin: 'offline' };

interface Flags {
  readonly replaceInstall?: boolean;
  readonly keepContent?: boolean;
}

function prepare(dataDir: string, file: string, flags: Flags = {}): Promise<PreparedRestore> {
  const fixed = { signingKey: null, threads: 1, clock: systemClock };
  return prepareRestore({
    dataDir,
    file,
    replaceInstall: false,
    keepContent: false,
    ...fixed,
    ...flags,
  });
}

async function restore(dataDir: string, file: string, flags: Flags = {}): Promise<string[]> {
  const prepared = await prepare(dataDir, file, flags);
  const aside = prepared.apply(WHO);
  prepared.close();
  return aside;
}

function edit(path: string, sql: string): void {
  const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: true });
  db.exec(sql);
  db.close();
}

function countOf(path: string, sql: string): unknown {
  const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: true, readonly: true });
  try {
    return db.prepare(sql).pluck().get();
  } finally {
    db.close();
  }
}

async function checked(dataDir: string) {
  await using temp = await openTempStore({ dataDir });
  const { books, keys, audit } = temp.store;
  const { problems, requests } = await books.check();
  const order = { notes: [], pinnedKey: null, ownKey: null, sinceCheckpoint: false, threads: 1 };
  const { faults } = await books.audit.verify(order);
  expect([...problems, ...faults]).toEqual([]);
  return { requests, keys: keys.page(null, 1_000), events: audit.heads().admin_events.seq };
}

test('what would be lost is said before, and what was there is put aside', async () => {
  const { dataDir, file } = copyRestoreLab(template);
  const before = filesIn(dataDir);
  const prepared = await prepare(dataDir, file);
  expect(prepared).toMatchObject({
    content: 'replaced',
    copy: { schema: 2, heads: { requests: { seq: 20 } }, keys: 1 },
    loss: {
      kind: 'known',
      ...{ requests: 10, fromMs: 1_763_600_020_000, toMs: 1_763_600_029_000 },
      ...{ adminEvents: 2, keys: 0, isSameHistory: true },
      // Revoked since, and in the backup it is not.
      keysThatWorkAgain: ['a key'],
      erasures: ['user:bob'],
      holds: ['user:ada'],
    },
  });
  const aside = prepared.apply(WHO);
  prepared.close();
  const { keys, ...counts } = await checked(dataDir);
  expect(counts).toEqual({ requests: 20, events: 1 });
  expect(keys).toMatchObject([{ status: 'active' }]);
  expect(keys[0]?.secrets.map(({ digest }) => [...digest])).toEqual([[...DIGEST]]);
  const event = `SELECT action || ' ' || target || ' ' || "after" FROM admin_events`;
  expect(countOf(databasePath(dataDir), event)).toBe(
    `ledger.restore ${file} {"made_at":"2025-11-21T04:40:00.000Z","requests_seq":20,"admin_events_seq":0,"schema":2,"lost":{"requests":10,"admin_events":2,"keys":0}}`,
  );
  expect(countOf(databasePath(dataDir), "SELECT count(*) FROM meta WHERE name = 'backup'")).toBe(0);
  expect(countOf(contentPath(dataDir), 'SELECT count(*) FROM contents')).toBe(1);

  expect(aside).toHaveLength(2);
  const [books = '', content = ''] = aside;
  expect(readFileSync(books).toString('latin1')).toBe(before['llmgate.db']);
  expect(readFileSync(content).toString('latin1')).toBe(before['content.db']);
  expect(statSync(books).mode & 0o777).toBe(0o600);
  // The other way round: nothing was lost for good.
  await restore(dataDir, books);
  expect(await checked(dataDir)).toMatchObject({ requests: 30, keys: [{ status: 'revoked' }] });
});

test('until it is applied nothing is changed', async () => {
  const { dataDir, file } = copyRestoreLab(template);
  const [before, backup] = [filesIn(dataDir), readFileSync(file)];
  const prepared = await prepare(dataDir, file);
  prepared.close();
  expect(filesIn(dataDir)).toEqual(before);
  expect(readFileSync(file)).toEqual(backup);
});

test('a new directory takes the books with their install id, and is not made by looking', async () => {
  const { file } = copyRestoreLab(template);
  const dataDir = join(tempDir(), 'deep', 'data');
  const looked = await prepare(dataDir, file);
  expect(looked).toMatchObject({ loss: { kind: 'none' }, content: 'replaced' });
  looked.close();
  expect(existsSync(join(dataDir, '..'))).toBe(false);
  expect(await restore(dataDir, file)).toEqual([]);
  expect(readFileSync(join(dataDir, 'install-id'), 'utf8').trim()).toBe(
    countOf(file, "SELECT value FROM meta WHERE name = 'install_id'"),
  );
  expect(await checked(dataDir)).toMatchObject({ requests: 20 });
});

interface Refusal {
  readonly name: string;
  readonly act: (file: string, dataDir: string) => unknown;
  readonly says: RegExp;
}

function overwrite(path: string, from: number, to: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, from, to);
  writeFileSync(path, bytes);
}

function replaceByFolder(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

const refusals: Refusal[] = [
  { name: 'missing', act: (file) => rmSync(file), says: /there is no file \S+backup\.db\.$/ },
  { name: 'empty', act: (file) => truncateSync(file, 0), says: /is empty; nothing was changed/ },
  {
    name: 'a folder',
    act: replaceByFolder,
    says: /is not a file/,
  },
  {
    name: 'a pipe',
    act(file) {
      rmSync(file);
      Bun.spawnSync(['mkfifo', file]);
    },
    says: /is not a file/,
  },
  {
    name: 'no database',
    act: (file) => overwrite(file, 0, 100),
    says: /is not an SQLite database/,
  },
  {
    name: 'of another program',
    act: (file) => edit(file, 'PRAGMA application_id = 7'),
    says: /is no backup of llmgate/,
  },
  {
    name: 'of a newer llmgate',
    act: (file) => edit(file, 'PRAGMA user_version = 99'),
    says: /newer llmgate \(schema 99, this one knows 2\); restore it with that version/,
  },
  {
    name: 'damaged in the middle',
    act: (file) => overwrite(file, 20_000, 60_000),
    says: /(?:is damaged|books that do not agree).*nothing was changed, use another backup\.$/,
  },
  {
    name: 'cut short',
    act: (file) => truncateSync(file, 40_960),
    says: /(?:is damaged|books that do not agree)/,
  },
  {
    name: 'with a changed request',
    act: (file) => edit(file, 'UPDATE requests SET duration_ms = 1 WHERE seq = 7'),
    says: /does not hold what was written \(requests: .*7/,
  },
  {
    name: 'with a sum of its own',
    act: (file) => edit(file, 'UPDATE usage_sums SET requests = requests + 1'),
    says: /books that do not agree \(The sums of/,
  },
  {
    name: 'with a request less at its end',
    act: (file) => edit(file, 'DELETE FROM requests WHERE seq = 20; DELETE FROM usage_sums'),
    says: /is not as it was made|do(?:es)? not/,
  },
  {
    name: 'with a manifest of something else',
    act: (file) =>
      edit(
        file,
        `UPDATE meta SET value = replace(value, '"seq":20', '"seq":19') WHERE name = 'backup'`,
      ),
    says: /is not as it was made: its manifest says otherwise/,
  },
  {
    name: 'with a manifest of another form',
    act: (file) => edit(file, "UPDATE meta SET value = '{}' WHERE name = 'backup'"),
    says: /manifest that cannot be read/,
  },
  {
    name: 'without its content',
    act: (file) => rmSync(`${file}.content`),
    says: /backup\.db\.content is missing.*--keep-content/,
  },
  {
    name: 'with other content',
    act: (file) => overwrite(`${file}.content`, 5_000, 5_001),
    says: /is not the file that was made with .*--keep-content/,
  },
  {
    name: 'for another installation',
    act: (_, dataDir) => writeFileSync(join(dataDir, 'install-id'), `${crypto.randomUUID()}\n`),
    says: /belongs to another installation than \S+; .*--replace-install/,
  },
  {
    name: 'the database in use itself',
    act(file, dataDir) {
      rmSync(file);
      symlinkSync(databasePath(dataDir), file);
    },
    says: /is the database of this directory/,
  },
];

test.each(refusals)(
  'a backup that is $name is refused, and nothing changes',
  async ({ act, says }) => {
    const { dataDir, file } = copyRestoreLab(template);
    act(file, dataDir);
    const before = filesIn(dataDir);
    const refused = await prepare(dataDir, file).catch((cause: unknown) => cause);
    if (!(refused instanceof StoreError)) throw refused;
    expect(refused.message).toMatch(says);
    expect(refused.message).not.toContain('\n');
    expect(filesIn(dataDir)).toEqual(before);
  },
);

test('while a process uses the directory nothing is even looked at', async () => {
  const { dataDir, file } = copyRestoreLab(template);
  await using temp = await openTempStore({ dataDir });
  await expect(prepare(dataDir, file)).rejects.toBeInstanceOf(StoreInUseError);
  await settle(temp.store, 1);
});

test('books of another installation take the place when that is asked for', async () => {
  const { file } = copyRestoreLab(template);
  const { dataDir } = copyRestoreLab(stranger);
  const [books = ''] = await restore(dataDir, file, { replaceInstall: true });
  expect(await checked(dataDir)).toMatchObject({ requests: 20 });
  expect(countOf(books, 'SELECT count(*) FROM requests')).toBe(30);
});

test('--keep-content restores the books alone', async () => {
  const { dataDir, file } = copyRestoreLab(template);
  rmSync(`${file}.content`);
  const prepared = await prepare(dataDir, file, { keepContent: true });
  expect(prepared.content).toBe('kept');
  expect(prepared.apply(WHO)).toHaveLength(1);
  prepared.close();
  expect(countOf(contentPath(dataDir), 'SELECT count(*) FROM contents')).toBe(2);
});

test('content that the backup has none of is put aside', async () => {
  const { file } = await backupWithoutContent();
  const { dataDir } = copyRestoreLab(template);
  const aside = await restore(dataDir, file, { replaceInstall: true });
  expect(aside).toHaveLength(2);
  expect(existsSync(contentPath(dataDir))).toBe(false);
});

async function backupWithoutContent() {
  const file = join(tempDir(), 'backup.db');
  await using temp = await openTempStore();
  await temp.store.backup({ file, overwrite: false, llmgate: '0.1.0', atMs: 1 });
  return { file };
}

test.each(['damaged', 'a folder'])(
  'the log of present books that are %s is not replayed into the restored ones',
  async (how) => {
    const { dataDir, file } = copyRestoreLab(template);
    const path = databasePath(dataDir);
    const crashed = tempDir();
    {
      await using temp = await openTempStore({ dataDir });
      await settle(temp.store, 5);
      copyFileSync(`${path}-wal`, join(crashed, 'wal'));
    }
    copyFileSync(join(crashed, 'wal'), `${path}-wal`);
    if (how === 'damaged') overwrite(path, 0, 4_096);
    else replaceByFolder(path);
    await restore(dataDir, file);
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(await checked(dataDir)).toMatchObject({ requests: 20 });
  },
);

test.each(['emptied', 'removed', 'a link'])(
  'present books that are %s are replaced',
  async (how) => {
    const { dataDir, file } = copyRestoreLab(template);
    const path = databasePath(dataDir);
    if (how === 'emptied') truncateSync(path, 0);
    else renameSync(path, join(dataDir, 'elsewhere'));
    if (how === 'a link') symlinkSync(join(dataDir, 'elsewhere'), path);
    await restore(dataDir, file);
    expect(statSync(path).isFile()).toBe(true);
    expect(await checked(dataDir)).toMatchObject({ requests: 20 });
  },
);

test('a backup of the first schema is verified in this one and restored', async () => {
  const sql = readFileSync(join(import.meta.dirname, '../golden/schema/0001.sql'), 'utf8');
  const file = join(tempDir(), 'old.db');
  const db = openSqlite(file, { busyTimeoutMs: 0, mustExist: false });
  db.exec(sql);
  db.close();
  const before = readFileSync(file);
  const dataDir = tempDir();
  const prepared = await prepare(dataDir, file);
  expect(prepared).toMatchObject({ copy: { schema: 1, manifest: null }, content: 'none' });
  prepared.apply(WHO);
  prepared.close();
  // One was open.
  expect(await checked(dataDir)).toMatchObject({ requests: 3, events: 1 });
  expect(readFileSync(file)).toEqual(before);
});

test('a copy of the files of a gateway that was killed is restored with its log', async () => {
  const { dataDir: source } = copyRestoreLab(template);
  const elsewhere = tempDir();
  {
    await using temp = await openTempStore({ dataDir: source });
    await settle(temp.store, 5);
    for (const side of ['', '-wal']) {
      copyFileSync(`${databasePath(source)}${side}`, join(elsewhere, `cold.db${side}`));
    }
  }
  const dataDir = join(tempDir(), 'data');
  await restore(dataDir, join(elsewhere, 'cold.db'));
  expect(await checked(dataDir)).toMatchObject({ requests: 35 });
  expect(readdirSync(elsewhere).toSorted()).toEqual(['cold.db', 'cold.db-wal']);
});

const STEPS = [
  ...['copying', 'verifying', 'prepared', 'log_emptied', 'put_aside', 'books_replaced'],
  ...['content_replaced', 'done'],
];

test.each(STEPS)('killed at the step %s, the old or the new books open', async (step) => {
  // Of another installation, so that the install id changes as well.
  const { file } = copyRestoreLab(template);
  const { dataDir } = copyRestoreLab(stranger);
  const program = join(import.meta.dirname, '../support/restore-child-main.ts');
  const child = Bun.spawn([process.execPath, program, dataDir, file, step], { stderr: 'inherit' });
  expect(await child.exited).toBe(137);
  const isReplaced = STEPS.indexOf(step) >= STEPS.indexOf('books_replaced');
  expect(await checked(dataDir)).toMatchObject({ requests: isReplaced ? 20 : 30 });
  const contents = countOf(contentPath(dataDir), 'SELECT count(*) FROM contents');
  expect(contents).toBe(STEPS.indexOf(step) >= STEPS.indexOf('content_replaced') ? 1 : 2);
  // And the next attempt clears up what the killed one left.
  await restore(dataDir, file, { replaceInstall: true });
  expect(await checked(dataDir)).toMatchObject({ requests: 20 });
  expect(readdirSync(dataDir).filter((name) => name.includes('restoring'))).toEqual([]);
});
