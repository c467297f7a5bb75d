import { expect, test } from 'vitest';
import { KeyRecords } from '../../../src/access/key-records.ts';
import { randomKey } from '../../support/random-keys.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';
import { someKey } from '../../support/some-key.ts';

function throughRecord(records: KeyRecords, key: ReturnType<typeof someKey>) {
  const record = records.encode(key);
  // Somewhere in the middle of others, as records lie.
  const bytes = Buffer.concat([
    Buffer.alloc(7, 0xff),
    record ?? Buffer.alloc(0),
    Buffer.alloc(7, 0xff),
  ]);
  return record === undefined ? undefined : records.decode(key.id, { bytes, at: 7 });
}

test('keys of every shape come back as they went in', () => {
  const random = createSeededRandom(7);
  const records = new KeyRecords();
  for (let round = 0; round < 500; round += 1) {
    const key = randomKey('abcdefghWXYZ', random);
    expect(throughRecord(records, key)).toEqual(key);
  }
});

test('what many keys have in common is one object', () => {
  const records = new KeyRecords();
  const said = { tags: { env: 'prod' }, models: ['a*'], limits: { concurrency: 3 } };
  const one = throughRecord(records, someKey(structuredClone(said)));
  const other = throughRecord(records, someKey({ ...structuredClone(said), name: 'B' }));
  expect(one?.tags).toBe(other?.tags);
  expect(one?.models).toBe(other?.models);
  expect(one?.limits).toBe(other?.limits);
});

test('tags of their own on more keys than are numbered', () => {
  const records = new KeyRecords();
  for (let index = 0; index < 17_000; index += 1) {
    const key = someKey({ tags: { project: `p-${index}` } });
    if (index < 16_380) records.encode(key);
    else expect(throughRecord(records, key)?.tags).toEqual(key.tags);
  }
});

const digest = new Uint8Array(32);
test.each([
  ['a time before the epoch', someKey({ createdAtMs: -1 })],
  ['a fraction of a millisecond', someKey({ expiresAtMs: 0.5 })],
  ['a time past 2^53', someKey({ expiresAtMs: 2 ** 60 })],
  [
    'half a digest',
    someKey({ secrets: [{ digest: digest.slice(16), createdAtMs: 0, expiresAtMs: null }] }),
  ],
  [
    'hundreds of secrets',
    someKey({
      secrets: Array.from({ length: 256 }, () => ({ digest, createdAtMs: 0, expiresAtMs: null })),
    }),
  ],
])('%s fits no record', (_, key) => {
  expect(new KeyRecords().encode(key)).toBeUndefined();
});

test('a digest is a copy that a later record does not change', () => {
  const records = new KeyRecords();
  const key = someKey({ secrets: [{ digest, createdAtMs: 0, expiresAtMs: null }] });
  const bytes = records.encode(key) ?? Buffer.alloc(0);
  const decoded = records.decode(key.id, { bytes, at: 0 });
  records.encode(
    someKey({ secrets: [{ digest: digest.map(() => 7), createdAtMs: 0, expiresAtMs: null }] }),
  );
  expect(decoded.secrets[0]?.digest).toEqual(digest);
});
