import { afterEach, expect, test } from 'vitest';
import {
  type KeyDirectory,
  type KeySource,
  openKeyDirectory,
} from '../../../src/app/key-directory.ts';
import type { Key } from '../../../src/core/key.ts';
import { randomKey } from '../../support/random-keys.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';
import { someKey } from '../../support/some-key.ts';

const opened: KeyDirectory[] = [];
afterEach(() => {
  for (const directory of opened.splice(0)) directory.close();
});

/** A store of keys that can be changed and that counts what it is asked. */
function storeOf(keys: Iterable<Key>) {
  const byId = new Map(Array.from(keys, (key) => [key.id, key]));
  const asked = { pages: 0, finds: 0 };
  const store: KeySource = {
    page(afterId, limit) {
      asked.pages += 1;
      const ids = [...byId.keys()].toSorted().filter((id) => afterId === null || id > afterId);
      return ids.slice(0, limit).flatMap((id) => byId.get(id) ?? []);
    },
    find(idOrName) {
      asked.finds += 1;
      return byId.get(idOrName) ?? [...byId.values()].find(({ name }) => name === idOrName);
    },
  };
  return { store, byId, asked };
}

function open(store: KeySource, onFailure = (_cause: unknown) => {}): KeyDirectory {
  const directory = openKeyDirectory(store, onFailure);
  opened.push(directory);
  return directory;
}

async function openFilled(keys: Iterable<Key> = []): Promise<KeyDirectory> {
  const directory = open(storeOf(keys).store);
  await directory.filled;
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

test.each([1, 2])('finds what a map of the same keys has (seed %i)', async (seed) => {
  const random = createSeededRandom(seed);
  const ids = randomIds(1_500, random);
  const { store, byId: map } = storeOf(ids.slice(0, 1_000).map((id) => randomKey(id, random)));
  const directory = open(store);
  for (let step = 0; step < 5_000; step += 1) {
    // Reading goes on between changes, and is done long before the last of them.
    if (step % 100 === 0) await new Promise((turn) => setImmediate(turn));
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

test('a key that is asked for again is the same object', async () => {
  const directory = await openFilled([someKey({ tags: { env: 'prod' } })]);
  const found = directory.find('keyAkeyAkeyA');
  expect(found).toBeDefined();
  expect(directory.find('keyAkeyAkeyA')).toBe(found);
});

test('a key that was changed is another object at once, and the change is there', async () => {
  const key = someKey({
    secrets: [{ digest: new Uint8Array(32), createdAtMs: 0, expiresAtMs: null }],
  });
  const directory = await openFilled([key]);
  const before = directory.find(key.id);
  directory.put({ ...key, status: 'revoked', secrets: [] });
  const after = directory.find(key.id);
  expect(after).not.toBe(before);
  expect(after).toMatchObject({ status: 'revoked', secrets: [] });
});

test('a change holds after the object is long forgotten', async () => {
  const random = createSeededRandom(5);
  const ids = randomIds(2_000, random);
  const directory = await openFilled(ids.map((id) => someKey({ id })));
  for (const id of ids) directory.put(someKey({ id, status: 'suspended' }));
  for (const id of ids) expect(directory.find(id)?.status).toBe('suspended');
  expect(directory.stats().remembered).toBeLessThanOrEqual(512);
});

test('nothing is found by what is no id', async () => {
  const directory = await openFilled([someKey()]);
  for (const id of ['', 'keyAkeyAkeyB', 'keyAkeyAkeyA ', 'keyAkeyAkey-']) {
    expect(directory.find(id)).toBeUndefined();
  }
});

test('ten thousand keys take little more than a megabyte', async () => {
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
  const { keys: count, sizeBytes } = (await openFilled(keys())).stats();
  expect(count).toBe(10_000);
  expect(sizeBytes).toBeLessThan(1_200_000);
});

test('a key is found before it has been read, and not by its name', async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) =>
    someKey({
      id: `zzzzzzzz${String(index).padStart(4, '0')}`,
      name: `nnnnnnnn${String(index).padStart(4, '0')}`,
    }),
  );
  const { store, asked } = storeOf(keys);
  const directory = open(store);
  expect(directory.find('zzzzzzzz0999')?.name).toBe('nnnnnnnn0999');
  expect(directory.find('nnnnnnnn0999')).toBeUndefined();
  expect(asked.finds).toBe(2);
  await directory.filled;
  expect(directory.find('zzzzzzzz0500')?.name).toBe('nnnnnnnn0500');
  expect(directory.find('nnnnnnnn0500')).toBeUndefined();
  expect(asked.finds).toBe(2);
  expect(directory.stats().keys).toBe(1_000);
});

test('a key that is revoked while keys are read stays revoked', async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) =>
    someKey({ id: `aaaa${String(index).padStart(8, '0')}` }),
  );
  const { store, byId } = storeOf(keys);
  const directory = open(store);
  for (const key of keys) {
    const revoked: Key = { ...key, status: 'revoked' };
    byId.set(key.id, revoked);
    directory.put(revoked);
  }
  await directory.filled;
  for (const { id } of keys) expect(directory.find(id)?.status).toBe('revoked');
});

test('keys that cannot be read are asked for one by one, and a store that fails is no missing key', async () => {
  const { store } = storeOf([someKey()]);
  let isBroken = false;
  const failures: unknown[] = [];
  const source: KeySource = {
    page() {
      throw new Error('disk I/O error');
    },
    find(id) {
      if (isBroken) throw new Error('disk I/O error');
      return store.find(id);
    },
  };
  const directory = open(source, (cause) => failures.push(cause));
  await expect(directory.filled).rejects.toThrow('disk I/O error');
  expect(failures).toHaveLength(1);
  expect(directory.find('keyAkeyAkeyA')).toBeDefined();
  isBroken = true;
  expect(() => directory.find('keyAkeyAkeyB')).toThrow(
    expect.objectContaining({ code: 'store_unavailable' }),
  );
});
