import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { IsHeld } from '../../../src/store/content/content-access.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { openTempContent, requestId } from '../../support/temp-content.ts';
import { aKey } from '../../support/temp-store.ts';

const DAY_MS = 24 * 3_600_000;
const ada = aKey({ id: 'K00000000ADA', user: 'ada' });
const bob = aKey({ id: 'K00000000BOB', user: 'bob' });

async function openAged(isHeld: IsHeld) {
  const clock = createFakeClock();
  const temp = await openTempContent({ clock, isHeld });
  const captureAll = (from: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, at) =>
        temp.capture({ id: requestId(from + at), key: at % 2 === 0 ? ada : bob }),
      ),
    );
  await captureAll(0, 300);
  clock.advance(10 * DAY_MS);
  const cutMs = clock.nowMs();
  await captureAll(1_000, 10);
  return { ...temp, cutMs };
}

test('what is older goes, in batches, with the keys that lock nothing any more', async () => {
  const { content, cutMs, dataDir } = await openAged(() => false);
  expect(await content.purge(cutMs)).toBe(300);
  expect(content.stats()).toMatchObject({ purged: 300 });
  expect(await content.find(requestId(0))).toEqual({ kind: 'none' });
  expect(await content.find(requestId(1_000))).toMatchObject({ kind: 'found' });
  expect(await content.purge(cutMs)).toBe(0);
  await content.close();
  const db = openSqlite(join(dataDir, 'content.db'), { busyTimeoutMs: 0, mustExist: true });
  // Ten days on, both owners had their second key.
  expect(db.prepare('SELECT count(*) FROM data_keys').pluck().get()).toBe(2);
  db.close();
});

test('what is held stays', async () => {
  const { content, cutMs } = await openAged(
    (scope, subject) => `${scope}:${subject}` === 'user:bob',
  );
  expect(await content.purge(cutMs)).toBe(150);
  expect(await content.find(requestId(0))).toEqual({ kind: 'none' });
  expect(await content.find(requestId(1))).toMatchObject({ kind: 'found' });
});

test('a hold on everything keeps everything', async () => {
  const { content, cutMs } = await openAged((scope) => scope === 'all');
  expect(await content.purge(cutMs)).toBe(0);
});

test('a data key that is still given out survives the purge of all it locked', async () => {
  const clock = createFakeClock();
  const { content, capture } = await openTempContent({ clock });
  await capture({ id: requestId(1), key: ada });
  clock.advance(2 * DAY_MS);
  expect(await content.purge(clock.nowMs() - DAY_MS)).toBe(1);
  await capture({ id: requestId(2), key: ada });
  expect(await content.find(requestId(2))).toMatchObject({ kind: 'found' });
});
