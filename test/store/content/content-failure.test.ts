import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ContentStoreOptions } from '../../../src/store/content/content-store.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { openTempContent, requestId } from '../../support/temp-content.ts';
import { aKey, tempDir } from '../../support/temp-store.ts';

const BROKEN = new URL('../../support/content-worker-broken.ts', import.meta.url).href;

const openBroken = (options: Partial<ContentStoreOptions> = {}) =>
  openTempContent({ workerUrl: BROKEN, restartAfterMs: 1, probeEveryMs: 10, ...options });

test('content that cannot be written is lost, which is counted and mends by itself', async () => {
  const { content, capture, logged } = await openBroken();
  expect(await capture({ id: requestId(1), request: 'fail' })).toBeNull();
  expect(content.stats()).toMatchObject({ lost: { failed: 1 }, isFailing: true, bytesInFlight: 0 });
  // Nobody captures anything, so it is the probe that finds out.
  await logged('content_kept_again');
  expect(content.isFailing).toBe(false);
  expect(await capture({ id: requestId(2) })).toHaveLength(32);
});

test('while the probe fails the store goes on failing', async () => {
  const { content, capture, events } = await openBroken();
  expect(await capture({ id: requestId(1), request: 'full' })).toBeNull();
  expect(await capture({ id: requestId(2) })).toBeNull();
  expect(content.stats()).toMatchObject({ kept: 0, lost: { failed: 2 }, isFailing: true });
  expect(events.map(({ event }) => event)).toEqual(['content_failing']);
});

test('a settlement does not wait longer than the deadline, and the late content counts until it is there', async () => {
  const { content, capture } = await openBroken({ keepWithinMs: 20 });
  expect(await capture({ id: requestId(1), request: 'wait' })).toBeNull();
  expect(content.stats()).toMatchObject({ kept: 0, lost: { late: 1 }, isFailing: true });
  expect(content.stats().bytesInFlight).toBeGreaterThan(0);
  await content.find(requestId(1));
  expect(content.stats()).toMatchObject({ lost: { late: 1 }, isFailing: false, bytesInFlight: 0 });
});

test('a disk that takes its time to fail has not recovered by failing', async () => {
  const { content, capture, events } = await openBroken({ keepWithinMs: 20 });
  expect(await capture({ id: requestId(1), request: 'wait in vain' })).toBeNull();
  await content.find(requestId(1));
  expect(content.stats()).toMatchObject({ lost: { late: 1 }, isFailing: true, bytesInFlight: 0 });
  expect(await capture({ id: requestId(2) })).toBeNull();
  expect(events.map(({ event }) => event)).toEqual(['content_failing']);
});

test('content that came too late to be named by its row does not stay', async () => {
  const { content, capture, dataDir } = await openTempContent({ keepWithinMs: 400 });
  await capture({ id: requestId(1) });
  const other = openSqlite(join(dataDir, 'content.db'), { busyTimeoutMs: 0, mustExist: true });
  other.exec('BEGIN IMMEDIATE');
  expect(await capture({ id: requestId(2) })).toBeNull();
  other.exec('ROLLBACK');
  other.close();
  expect(await content.find(requestId(2))).toEqual({ kind: 'none' });
  expect(await content.find(requestId(1))).toMatchObject({ kind: 'found' });
  expect(content.stats()).toMatchObject({ kept: 1, lost: { late: 1 }, isFailing: false });
});

test('a worker that dies loses what it was given and is started again', async () => {
  const { content, capture, logged } = await openBroken();
  const lost = [
    capture({ id: requestId(1), request: 'wait' }),
    capture({ id: requestId(2), request: 'die' }),
  ];
  expect(await Promise.all(lost)).toEqual([null, null]);
  expect(content.stats()).toMatchObject({ lost: { failed: 2 }, isFailing: true, bytesInFlight: 0 });
  await logged('content_worker_died');
  await logged('content_kept_again');
  expect(await capture({ id: requestId(3) })).toHaveLength(32);
  expect(content.stats()).toMatchObject({ kept: 1, restarts: 1, isFailing: false });
});

test('past its memory a capture is dropped whole, and new ones wait for half of it to be free', async () => {
  const { content, logged } = await openBroken({ roomBytes: 10_000, capBytes: 8_000 });
  const key = aKey();
  const begin = (number: number) => {
    const capture = content.begin({ requestId: requestId(number), key, mode: 'full' });
    if (capture === undefined) throw new Error('no capture');
    return capture;
  };
  const first = begin(1);
  first.request(new Uint8Array(6_000));
  const second = begin(2);
  second.request(new Uint8Array(2_000));
  expect(content.isFailing).toBe(false);
  second.answer(new Uint8Array(3_000));
  second.answer(new Uint8Array(10));
  expect(await second.finish()).toBeNull();
  expect(content.stats()).toMatchObject({
    lost: { room: 1 },
    bytesInFlight: 6_000,
    isFailing: true,
  });
  await logged('content_failing');
  expect(await first.finish()).toHaveLength(32);
  expect(content.stats()).toMatchObject({ lost: { room: 1 }, bytesInFlight: 0, isFailing: false });
});

test('another cap holds for what begins after it', async () => {
  const { content, capture } = await openTempContent();
  content.setLimits({ capBytes: 10, retentionMs: 1 });
  await capture({ id: requestId(1), request: 'x'.repeat(20) });
  expect(await content.find(requestId(1))).toMatchObject({
    request: { sizeBytes: 20, isTruncated: true },
  });
});

test('an abandoned capture gives its memory back and keeps nothing', async () => {
  const { content } = await openTempContent();
  const capture = content.begin({ requestId: requestId(1), key: aKey(), mode: 'full' });
  capture?.request(new Uint8Array(5_000));
  capture?.abandon();
  capture?.answer(new Uint8Array(5_000));
  expect(await capture?.finish()).toBeNull();
  expect(content.stats()).toMatchObject({ kept: 0, bytesInFlight: 0 });
  expect(await content.find(requestId(1))).toEqual({ kind: 'none' });
});

test('what comes after the settlement is not kept, and settling twice is settling once', async () => {
  const { content } = await openTempContent();
  const capture = content.begin({ requestId: requestId(1), key: aKey(), mode: 'full' });
  capture?.answer(Buffer.from('before'));
  const first = capture?.finish();
  capture?.answer(Buffer.from('after'));
  expect(await capture?.finish()).toBe(await first);
  const found = await content.find(requestId(1));
  expect(found.kind === 'found' && Buffer.from(found.answer.bytes).toString()).toBe('before');
  expect(content.stats()).toMatchObject({ kept: 1, bytesInFlight: 0 });
});

test.each([
  ['is not an SQLite database', (path: string) => writeFileSync(path, 'x'.repeat(4096))],
  [
    'is not a content database of llmgate',
    (path: string) => {
      const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: false });
      db.exec('CREATE TABLE mine (id)');
      db.close();
    },
  ],
  [
    'was written by a newer llmgate',
    (path: string) => {
      const db = openSqlite(path, { busyTimeoutMs: 0, mustExist: false });
      db.pragma(`application_id = ${0x6c6c6d63}`);
      db.pragma('user_version = 99');
      db.exec('CREATE TABLE future (id)');
      db.close();
    },
  ],
])('a file that %s is refused at the start', async (sentence, write) => {
  const dataDir = tempDir();
  write(join(dataDir, 'content.db'));
  await expect(openTempContent({ dataDir })).rejects.toThrow(sentence);
});
