import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openContentHere } from '../../../src/store/content/open-content-here.ts';
import {
  CONTENT_KEY,
  OTHER_CONTENT_KEY,
  openTempContent,
  requestId,
  toText,
} from '../../support/temp-content.ts';
import { aKey } from '../../support/temp-store.ts';

const ada = aKey({ id: 'K00000000ADA', user: 'ada', team: 'maths', tenant: 'uni' });
const bob = aKey({ id: 'K00000000BOB', user: 'bob', team: 'maths', tenant: 'uni' });

test('what was captured is found again, by the gateway and by a command without one', async () => {
  const { content, capture, dataDir } = await openTempContent();
  const id = requestId(1);
  const reference = await capture({
    id,
    key: ada,
    request: '{"prompt":"héllo"}',
    answer: ['{"te', 'xt":"wor', 'ld"}'],
  });
  const expected = {
    kind: 'found',
    owner: { keyId: ada.id, user: 'ada', team: 'maths', tenant: 'uni' },
    mode: 'full',
  };
  const found = await content.find(id);
  expect(found).toMatchObject(expected);
  if (found.kind !== 'found') throw new Error('not found');
  expect(toText(found.request.bytes)).toBe('{"prompt":"héllo"}');
  expect(toText(found.answer.bytes)).toBe('{"text":"world"}');
  expect(found.request).toMatchObject({ sizeBytes: 19, isTruncated: false });
  expect(reference).toHaveLength(32);
  expect(found.reference).toEqual(reference);
  expect(content.stats()).toMatchObject({ kept: 1, bytesInFlight: 0, isFailing: false });
  await content.close();
  const here = openContentHere({ dataDir, contentKeys: [CONTENT_KEY], isHeld: () => false });
  const foundHere = await here.find(id);
  expect(foundHere).toMatchObject(expected);
  if (foundHere.kind === 'found') expect(new Uint8Array(foundHere.reference)).toEqual(reference);
  here.close();
});

test('the same content has another reference every time', async () => {
  const { capture } = await openTempContent();
  const first = await capture({ id: requestId(1) });
  const second = await capture({ id: requestId(2) });
  expect(first).not.toEqual(second);
  const unsalted = createHash('sha256').update('{"q":1}').update('{"a":1}').digest();
  expect(first).not.toEqual(new Uint8Array(unsalted));
});

test('nothing on the disk can be read, and no file is for other users', async () => {
  const { content, capture, dataDir } = await openTempContent();
  await capture({ id: requestId(1), key: ada, request: 'TOPSECRETPROMPT'.repeat(20) });
  await content.close();
  for (const name of readdirSync(dataDir)) {
    const bytes = readFileSync(join(dataDir, name));
    expect(bytes.includes('TOPSECRETPROMPT')).toBe(false);
    expect(bytes.includes(Buffer.from(CONTENT_KEY))).toBe(false);
  }
  expect(readdirSync(dataDir)).toEqual(['content.db']);
});

test('a body is kept up to the cap, and says so', async () => {
  const { content, capture } = await openTempContent({ capBytes: 100 });
  await capture({
    id: requestId(1),
    request: 'x'.repeat(100),
    answer: ['y'.repeat(99), 'zz', 'z'],
  });
  const found = await content.find(requestId(1));
  expect(found).toMatchObject({
    request: { sizeBytes: 100, isTruncated: false },
    answer: { sizeBytes: 102, isTruncated: true },
  });
  if (found.kind !== 'found') throw new Error(found.kind);
  expect(toText(found.request.bytes)).toBe('x'.repeat(100));
  expect(toText(found.answer.bytes)).toBe(`${'y'.repeat(99)}z`);
});

test('an answer that never came is an empty one', async () => {
  const { content, capture } = await openTempContent();
  expect(await capture({ id: requestId(1), answer: [] })).toHaveLength(32);
  expect(await content.find(requestId(1))).toMatchObject({
    answer: { sizeBytes: 0, isTruncated: false, bytes: new Uint8Array(0) },
  });
});

test('many requests at once share commits, and every one is kept', async () => {
  const { content, capture } = await openTempContent();
  const ids = Array.from({ length: 300 }, (_, number) => requestId(number));
  const references = await Promise.all(
    ids.map((id, number) => capture({ id, key: number % 2 === 0 ? ada : bob, request: id })),
  );
  expect(new Set(references.map((reference) => String(reference))).size).toBe(300);
  for (const [number, id] of ids.entries()) {
    const found = await content.find(id);
    expect(found).toMatchObject({ kind: 'found', reference: references[number] });
    if (found.kind === 'found') expect(toText(found.request.bytes)).toBe(id);
  }
  expect(content.stats()).toMatchObject({ kept: 300, bytesInFlight: 0 });
});

test('redacted content holds no address, not even one that came in pieces', async () => {
  const { content, capture } = await openTempContent();
  const frame = (text: string) =>
    `data: {"choices":[{"index":0,"delta":{"content":"${text}"}}]}\n\n`;
  await capture({
    id: requestId(1),
    mode: 'redacted',
    request: '{"messages":[{"role":"user","content":"I am ada@example.com"}]}',
    answer: [
      frame('Hello ad'),
      frame('a@exam').slice(0, 20),
      frame('a@exam').slice(20),
      frame('ple.com!'),
      'data: [DONE]\n\n',
    ],
  });
  const found = await content.find(requestId(1));
  if (found.kind !== 'found') throw new Error(found.kind);
  expect(toText(found.request.bytes)).toBe(
    '{"messages":[{"role":"user","content":"I am [EMAIL]"}]}',
  );
  expect(JSON.parse(toText(found.answer.bytes))).toMatchObject({
    frames: 3,
    text: { 'choices.0.delta.content': 'Hello [EMAIL]!' },
  });
});

test('without content keys nothing is captured, which is counted and a failure', async () => {
  const { content, capture, dataDir } = await openTempContent({ contentKeys: [] });
  expect(await capture({ id: requestId(1) })).toBeNull();
  expect(content.stats()).toMatchObject({ kept: 0, lost: { unkeyed: 1 }, isFailing: true });
  expect(readdirSync(dataDir)).toEqual([]);
});

test('an older content key still opens what it locked, and is not needed any more after a start', async () => {
  const first = await openTempContent();
  const { dataDir } = first;
  await first.capture({ id: requestId(1), key: ada });
  await first.content.close();

  const locked = await openTempContent({ dataDir, contentKeys: [OTHER_CONTENT_KEY] });
  expect(await locked.content.find(requestId(1))).toEqual({
    kind: 'locked',
    contentKeyId: createHash('sha256').update(CONTENT_KEY).digest('hex').slice(0, 16),
  });
  expect(await locked.content.countOldKeys()).toBe(1);
  await locked.logged('content_keys_rewrapped');
  expect(locked.events.at(-1)).toMatchObject({
    level: 'warn',
    message: '1 data keys are wrapped with content keys that are not configured.',
  });
  // New content of the same owner gets a data key that this gateway can open.
  expect(await locked.capture({ id: requestId(2), key: ada })).toHaveLength(32);
  await locked.content.close();

  const both = await openTempContent({ dataDir, contentKeys: [OTHER_CONTENT_KEY, CONTENT_KEY] });
  expect(await both.content.find(requestId(1))).toMatchObject({ kind: 'found' });
  await both.logged('content_keys_rewrapped');
  await both.content.close();

  const rotated = await openTempContent({ dataDir, contentKeys: [OTHER_CONTENT_KEY] });
  expect(await rotated.content.countOldKeys()).toBe(0);
  expect(await rotated.content.find(requestId(1))).toMatchObject({ kind: 'found' });
});
