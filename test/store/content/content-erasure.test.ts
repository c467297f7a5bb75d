import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { IsHeld } from '../../../src/store/content/content-access.ts';
import type { SubjectScope } from '../../../src/store/content/content-message.ts';
import { openContentHere } from '../../../src/store/content/open-content-here.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import {
  CONTENT_KEY,
  openTempContent,
  requestId,
  type TempContent,
} from '../../support/temp-content.ts';
import { aKey } from '../../support/temp-store.ts';

const KEYS = [
  aKey({ id: 'K00000000001', user: 'ada', team: 'maths', tenant: 'uni' }),
  aKey({ id: 'K00000000002', user: 'ada', team: 'physics', tenant: 'uni' }),
  aKey({ id: 'K00000000003', user: 'bob', team: 'maths', tenant: 'uni' }),
  aKey({ id: 'K00000000004' }),
];

/** One captured request of every key, numbered as they are. */
async function openFilled(isHeld: IsHeld = () => false): Promise<TempContent> {
  const temp = await openTempContent({ isHeld });
  for (const [index, key] of KEYS.entries()) await temp.capture({ id: requestId(index + 1), key });
  return temp;
}

async function kinds({ content }: TempContent): Promise<string[]> {
  const found = KEYS.map((_, index) => content.find(requestId(index + 1)));
  return (await Promise.all(found)).map(({ kind }) => (kind === 'none' ? 'erased' : kind));
}

const cases: readonly [SubjectScope, string, dataKeys: number, kinds: string[]][] = [
  ['user', 'ada', 2, ['erased', 'erased', 'found', 'found']],
  ['team', 'maths', 2, ['erased', 'found', 'erased', 'found']],
  ['tenant', 'uni', 3, ['erased', 'erased', 'erased', 'found']],
  ['key', 'K00000000001', 1, ['erased', 'found', 'found', 'found']],
  ['key', 'K00000000004', 1, ['found', 'found', 'found', 'erased']],
  ['user', 'nobody', 0, ['found', 'found', 'found', 'found']],
];

test.each(cases)('erasing %s %s', async (scope, subject, dataKeys, expected) => {
  const temp = await openFilled();
  expect(await temp.content.erase(scope, subject)).toEqual({
    kind: 'erased',
    dataKeys,
    requests: dataKeys,
  });
  expect(await kinds(temp)).toEqual(expected);
});

test('the moment it is erased, no copy of a data key is left in any file', async () => {
  const temp = await openTempContent();
  for (let number = 0; number < 400; number += 1) {
    const key = aKey({
      id: `K${String(number).padStart(11, '0')}`,
      user: number % 3 === 0 ? 'ada' : null,
    });
    await temp.capture({ id: requestId(number), key });
  }
  const path = join(temp.dataDir, 'content.db');
  const wrapped = readWrapped(path);
  expect(wrapped.get('ada')).toHaveLength(134);
  const before = countIn(path, wrapped.get('ada'));
  expect(before).toBe(134);

  await temp.content.erase('user', 'ada');
  expect(countIn(path, wrapped.get('ada'))).toBe(0);
  expect(countIn(path, wrapped.get(''))).toBe(266);
});

test('what an erased key locked is removed as well, and new content gets a new key', async () => {
  const temp = await openFilled();
  await temp.content.erase('user', 'ada');
  await temp.capture({ id: requestId(9), key: KEYS[0] ?? aKey() });
  expect(await temp.content.find(requestId(9))).toMatchObject({ kind: 'found' });
  await temp.content.close();
  const here = openContentHere({
    dataDir: temp.dataDir,
    contentKeys: [CONTENT_KEY],
    isHeld: () => false,
  });
  // Opens the database; closing it does what the thread had not come to.
  await here.countOldKeys();
  here.close();
  const db = openSqlite(join(temp.dataDir, 'content.db'), { busyTimeoutMs: 0, mustExist: true });
  expect(db.prepare('SELECT count(*) FROM contents').pluck().get()).toBe(3);
  expect(db.prepare('SELECT count(*) FROM erased_keys').pluck().get()).toBe(0);
  db.close();
});

test('erasing needs no content key', async () => {
  const temp = await openFilled();
  await temp.content.close();
  const here = openContentHere({ dataDir: temp.dataDir, contentKeys: [], isHeld: () => false });
  expect(await here.erase('user', 'ada')).toEqual({ kind: 'erased', dataKeys: 2, requests: 2 });
  here.close();
});

const holds: readonly [hold: string, erased: string, held: boolean][] = [
  ['user:ada', 'user:ada', true],
  ['user:ada', 'team:maths', true],
  ['team:physics', 'user:ada', true],
  ['key:K00000000002', 'tenant:uni', true],
  ['all:', 'key:K00000000004', true],
  ['user:ada', 'user:bob', false],
  ['user:ada', 'key:K00000000004', false],
];

test.each(holds)(
  'with a legal hold on %s, erasing %s is refused: %s',
  async (hold, erased, held) => {
    const temp = await openFilled((scope, subject) => `${scope}:${subject}` === hold);
    const [scope, subject = ''] = erased.split(':');
    const erasure = await temp.content.erase(scope as SubjectScope, subject);
    if (held) {
      const [heldScope, heldSubject] = hold.split(':');
      expect(erasure).toEqual({ kind: 'held', scope: heldScope, subject: heldSubject });
      expect(await kinds(temp)).toEqual(['found', 'found', 'found', 'found']);
    } else {
      expect(erasure).toMatchObject({ kind: 'erased', dataKeys: 1 });
    }
  },
);

test('while somebody else reads the log an erasure says that it is not complete', async () => {
  const temp = await openFilled();
  const reader = openSqlite(join(temp.dataDir, 'content.db'), {
    busyTimeoutMs: 0,
    mustExist: true,
  });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM contents').get();
  await expect(temp.content.erase('user', 'ada')).rejects.toThrow('cannot be emptied');
  reader.exec('COMMIT');
  reader.close();
  expect(await temp.content.erase('user', 'ada')).toMatchObject({ kind: 'erased', dataKeys: 0 });
});

test('a row that was moved or changed does not open', async () => {
  const temp = await openFilled();
  await temp.content.close();
  const path = join(temp.dataDir, 'content.db');
  const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: true });
  const idOf = (number: number) => Buffer.from(requestId(number).replaceAll('-', ''), 'hex');
  db.prepare('UPDATE contents SET answer_bytes = answer_bytes + 1 WHERE id = ?').run(idOf(1));
  db.prepare('UPDATE contents SET mode = ? WHERE id = ?').run('redacted', idOf(2));
  db.prepare('UPDATE contents SET answer = request WHERE id = ?').run(idOf(3));
  db.prepare('UPDATE contents SET id = ? WHERE id = ?').run(idOf(8), idOf(4));
  db.close();
  const { content } = await openTempContent({ dataDir: temp.dataDir });
  for (const number of [1, 2, 3, 8]) {
    expect(await content.find(requestId(number))).toEqual({ kind: 'damaged' });
  }
});

/** The wrapped keys by user; a second connection, closed before anything is deleted. */
function readWrapped(path: string): ReadonlyMap<string, Uint8Array[]> {
  const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: true });
  const rows = db
    .prepare<[], { user: string; wrapped: Uint8Array }>(
      "SELECT coalesce(user, '') AS user, wrapped FROM data_keys",
    )
    .all();
  db.close();
  return Map.groupBy(rows, ({ user }) => user)
    .entries()
    .reduce(
      (map, [user, found]) =>
        map.set(
          user,
          found.map(({ wrapped }) => wrapped),
        ),
      new Map(),
    );
}

/** How many of them can be found in the database and its log, looking at half of each. */
function countIn(path: string, wrapped: readonly Uint8Array[] = []): number {
  const files = [path, `${path}-wal`].filter((file) => existsSync(file));
  const bytes = Buffer.concat(files.map((file) => readFileSync(file)));
  return wrapped.filter(
    (key) => bytes.includes(key.subarray(0, 30)) || bytes.includes(key.subarray(30)),
  ).length;
}
