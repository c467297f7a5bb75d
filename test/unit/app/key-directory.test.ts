import { afterEach, expect, test } from 'vitest';
import { type KeyDirectory, openKeyDirectory } from '../../../src/app/key-directory.ts';
import type { Key } from '../../../src/core/key.ts';
import { randomKey } from '../../support/random-keys.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';
import { someKey } from '../../support/some-key.ts';

const opened: KeyDirectory[] = [];
afterEach(() => {
  for (const directory of opened.splice(0)) directory.close();
});

function open(keys: Iterable<Key> = []): KeyDirectory {
  const directory = openKeyDirectory(keys);
  opened.push(directory);
  return directory;
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function randomDigits(length: number, random: SeededRandom): string {
  return Array.from({ length }, () => BASE62[random.int(62)]).join('');
}

/** Ids as llmgate issues them, some that share a number, and some that it never would. */
function randomIds(count: number, random: SeededRandom): string[] {
  const digits = (length: number) => Array.from({ length }, () => BASE62[random.int(62)]).join('');
  const shared = digits(8);
  return Array.from({ length: count }, (_, index) => {
    if (index % 50 === 0) return `odd-${index}`;
    return index % 20 === 0 ? shared + digits(4) : digits(12);
  });
}

test.each([1, 2])('finds what a map of the same keys has (seed %i)', (seed) => {
  const random = createSeededRandom(seed);
  const ids = randomIds(1_500, random);
  const first = ids
    .slice(0, 1_000)
    .toSorted()
    .map((id) => randomKey(id, random));
  const map = new Map(first.map((key) => [key.id, key]));
  const directory = open(first);
  for (let step = 0; step < 5_000; step += 1) {
    const id = random.pick(ids);
    if (random.int(4) > 0) {
      const found = directory.find(id);
      if (!Bun.deepEquals(found, map.get(id))) expect(found).toEqual(map.get(id));
    } else {
      const key = randomKey(id, random);
      map.set(id, key);
      directory.put(key);
    }
  }
  for (const id of ids) expect(Bun.deepEquals(directory.find(id), map.get(id))).toBe(true);
  expect(directory.stats().keys).toBe(map.size);
});

test('a key that is asked for again is the same object', () => {
  const directory = open([someKey({ tags: { env: 'prod' } })]);
  const found = directory.find('keyAkeyAkeyA');
  expect(found).toBeDefined();
  expect(directory.find('keyAkeyAkeyA')).toBe(found);
});

test('a key that was changed is another object at once, and the change is there', () => {
  const key = someKey({
    secrets: [{ digest: new Uint8Array(32), createdAtMs: 0, expiresAtMs: null }],
  });
  const directory = open([key]);
  const before = directory.find(key.id);
  directory.put({ ...key, status: 'revoked', secrets: [] });
  const after = directory.find(key.id);
  expect(after).not.toBe(before);
  expect(after).toMatchObject({ status: 'revoked', secrets: [] });
});

test('a change holds after the object is long forgotten', () => {
  const random = createSeededRandom(5);
  const ids = randomIds(2_000, random);
  const directory = open(ids.map((id) => someKey({ id })));
  for (const id of ids) directory.put(someKey({ id, status: 'suspended' }));
  for (const id of ids) expect(directory.find(id)?.status).toBe('suspended');
  expect(directory.stats().remembered).toBeLessThanOrEqual(512);
});

test('nothing is found by what is no id', () => {
  const directory = open([someKey()]);
  for (const id of ['', 'keyAkeyAkeyB', 'keyAkeyAkeyA ', 'keyAkeyAkey-']) {
    expect(directory.find(id)).toBeUndefined();
  }
});

test('ten thousand keys take little more than a megabyte', () => {
  const random = createSeededRandom(9);
  const ids = Array.from({ length: 10_000 }, () => randomDigits(12, random)).toSorted();
  function* keys() {
    for (const [index, id] of ids.entries()) {
      yield someKey({
        id,
        name: `key-${index}`,
        user: `user-${index}@example.com`,
        team: `team-${index % 100}`,
        createdAtMs: 1_750_000_000_000 + index,
        secrets: [
          {
            digest: new Uint8Array(32).fill(index),
            createdAtMs: 1_750_000_000_000 + index,
            expiresAtMs: null,
          },
        ],
      });
    }
  }
  const { keys: count, sizeBytes } = open(keys()).stats();
  expect(count).toBe(10_000);
  expect(sizeBytes).toBeLessThan(1_200_000);
});
