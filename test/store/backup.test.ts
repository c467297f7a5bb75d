import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readManifest } from '../../src/store/backup-manifest.ts';
import { contentPath } from '../../src/store/content/content-database.ts';
import { hashFile } from '../../src/store/hash-file.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { type Database, openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { brokenLinks } from '../support/chain-walk.ts';
import { settle } from '../support/restore-lab.ts';
import { openTempContent, requestId } from '../support/temp-content.ts';
import { aFinishedRow, openTempStore, tempDir } from '../support/temp-store.ts';

function openFile(path: string): Database {
  return openSqlite(path, { busyTimeoutMs: 0, mustExist: true, readonly: true });
}

function backUp(store: Store, file: string, overwrite = false) {
  return store.backup({ file, overwrite, llmgate: '0.1.0', atMs: 1_763_600_000_000 });
}

test('a backup under load is one moment of the books, and what is written goes on', async () => {
  await using temp = await openTempStore({ worker: true });
  const { store } = temp;
  const file = join(tempDir(), 'copy.db');
  await settle(store, 500);
  let isDone = false;
  const made = backUp(store, file).finally(() => {
    isDone = true;
  });
  let written = 500;
  while (!isDone) {
    await store.ledger.settle(aFinishedRow(), []);
    written += 1;
  }
  const { manifest, sizeBytes } = await made;
  const db = openFile(file);
  const seqs = db.prepare<[], number>('SELECT seq FROM requests ORDER BY seq').pluck().all();
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(seqs.length).toBeGreaterThanOrEqual(500);
  expect(seqs.length).toBeLessThanOrEqual(written);
  expect(manifest).toMatchObject({
    installId: store.audit.installId,
    heads: { requests: { seq: seqs.length } },
    content: null,
  });
  expect(readManifest(db)).toEqual(manifest);
  expect(brokenLinks(db)).toEqual([]);
  db.close();
  expect(statSync(file)).toMatchObject({ size: sizeBytes });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dirname(file))).toEqual(['copy.db']);
  // The books know nothing of having been copied.
  expect(await store.books.check()).toMatchObject({ requests: written, problems: [] });
});

test('captured content is copied after the rows that name it, while more is captured', async () => {
  const { content, capture, dataDir } = await openTempContent();
  await using temp = await openTempStore({ dataDir });
  await capture({ id: requestId(1), request: 'a secret question' });
  const file = join(tempDir(), 'copy.db');
  const made = backUp(temp.store, file);
  await capture({ id: requestId(2) });
  const { manifest } = await made;
  expect(hashFile(`${file}.content`)).toEqual(manifest.content);
  expect(readFileSync(`${file}.content`).includes('a secret question')).toBe(false);
  const db = openFile(`${file}.content`);
  expect(db.prepare('SELECT count(*) FROM contents').pluck().get()).toBeGreaterThanOrEqual(1);
  db.close();
  expect(await content.find(requestId(2))).toMatchObject({ kind: 'found' });
});

test('--overwrite replaces the pair, and an older copy of content does not outlive its books', async () => {
  const file = join(tempDir(), 'copy.db');
  const { dataDir, capture } = await openTempContent();
  {
    await using temp = await openTempStore({ dataDir });
    await capture({ id: requestId(1) });
    await backUp(temp.store, file);
    const before = readFileSync(file);
    await settle(temp.store, 3);
    await expect(backUp(temp.store, file)).rejects.toThrow(/copy\.db exists; .*--overwrite\.$/);
    expect(readFileSync(file)).toEqual(before);
    await backUp(temp.store, file, true);
    expect(existsSync(`${file}.content`)).toBe(true);
  }
  await using other = await openTempStore();
  await backUp(other.store, file, true);
  expect(readdirSync(dirname(file))).toEqual(['copy.db']);
});

interface Target {
  readonly name: string;
  /** Below a folder with a data directory `data`. */
  readonly file: string;
  readonly prepare?: (file: string) => void;
  readonly says: RegExp;
}

const targets: Target[] = [
  { name: 'the database itself', file: 'data/llmgate.db', says: /gateway itself uses/ },
  { name: 'a log of it', file: 'data/llmgate.db-wal', says: /gateway itself uses/ },
  { name: 'the lock', file: 'data/lock', says: /gateway itself uses/ },
  {
    name: 'a name whose content copy would be that of the gateway',
    file: 'data/../data/content.db',
    says: /gateway itself uses/,
  },
  {
    name: 'another file',
    file: 'notes.txt',
    prepare: (file) => writeFileSync(file, 'my notes'),
    says: /notes\.txt is not a backup of llmgate and is not overwritten/,
  },
  {
    name: 'a name whose content copy is another file',
    file: 'copy',
    prepare: (file) => writeFileSync(`${file}.content`, 'my notes'),
    says: /copy\.content is not a backup/,
  },
  {
    name: 'a folder',
    file: 'folder',
    prepare: (file) => mkdirSync(file),
    says: /exists and is not a file/,
  },
  { name: 'a folder that is not there', file: 'no/copy', says: /there is no folder \S+\/no;/ },
];

test.each(targets)('$name is no place for a backup', async ({ file: name, prepare, says }) => {
  const folder = tempDir();
  await using temp = await openTempStore({ dataDir: join(folder, 'data') });
  const file = `${folder}/${name}`;
  prepare?.(file);
  const before = readdirSync(folder);
  const refused = backUp(temp.store, file, true);
  await expect(refused).rejects.toBeInstanceOf(StoreError);
  await expect(refused).rejects.toThrow(says);
  expect(readdirSync(folder)).toEqual(before);
});

test('a folder of its own in the data directory is a place for a backup', async () => {
  await using temp = await openTempStore();
  mkdirSync(join(temp.dataDir, 'backups'));
  await backUp(temp.store, join(temp.dataDir, 'backups', 'llmgate.db'));
});

test('damaged books are not copied, and the sentence names them', async () => {
  const dataDir = tempDir();
  await using temp = await openTempStore({ dataDir });
  await settle(temp.store, 300);
  const folder = tempDir();
  // Beside the connection that has them in memory: pages of the middle are no pages any more.
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  const bytes = readFileSync(databasePath(dataDir));
  bytes.fill(0xa5, 4_096 * 8, bytes.length - 4_096);
  writeFileSync(databasePath(dataDir), bytes);
  const refused = backUp(temp.store, join(folder, 'copy.db'));
  await expect(refused).rejects.toThrow(`${databasePath(dataDir)} is damaged`);
  expect(readdirSync(folder)).toEqual([]);
});

test('a content database of somebody else is not copied', async () => {
  await using temp = await openTempStore();
  const foreign = openSqlite(contentPath(temp.dataDir), { busyTimeoutMs: 0, mustExist: false });
  foreign.exec('CREATE TABLE songs (title TEXT)');
  foreign.close();
  const folder = tempDir();
  const refused = backUp(temp.store, join(folder, 'copy.db'));
  await expect(refused).rejects.toThrow(/content\.db is not a content database of llmgate/);
  expect(readdirSync(folder)).toEqual([]);
});
