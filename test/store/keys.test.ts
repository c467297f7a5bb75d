import { expect, test } from 'vitest';
import type { Key } from '../../src/core/key.ts';
import { databasePath } from '../../src/store/open-database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { aKey, openTempStore, tempDir } from '../support/temp-store.ts';

const full: Key = aKey({
  id: 'Kfull',
  name: 'everything set',
  user: 'ada',
  team: 'research',
  tenant: 'acme',
  status: 'suspended',
  expiresAtMs: 1_800_000_000_000,
  secrets: [
    { digest: digest(1), createdAtMs: 1, expiresAtMs: 99 },
    { digest: digest(2), createdAtMs: 2, expiresAtMs: null },
  ],
  models: ['llama-*', 'small'],
  endpoints: ['chat', 'embeddings'],
  limits: {
    requestsPerMinute: 60,
    tokensPerMinute: 100_000,
    concurrency: 4,
    budget: { nanoUsd: 25_000_000_000, window: 'month' },
    tokenBudget: { tokens: 1_000_000, window: 'day' },
    maxOutputTokens: 4_096,
  },
  content: 'redacted',
  tags: { env: 'prod', cost: 'ü "x"' },
});

function digest(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}

test('a key comes back from a reopened store as it went in', async () => {
  const dataDir = tempDir();
  {
    await using first = await openTempStore({ dataDir });
    expect(first.store.keys.insert(full)).toBe('created');
    expect(first.store.keys.insert(aKey())).toBe('created');
  }
  await using second = await openTempStore({ dataDir });
  const keys = second.store.keys.page(null, 1_000);
  expect(keys).toEqual([aKey(), full]);
});

test('a name belongs to one key that is not revoked', async () => {
  await using temp = await openTempStore();
  const { keys } = temp.store;
  keys.insert(aKey({ id: 'K1', name: 'ci' }));
  expect(keys.insert(aKey({ id: 'K2', name: 'ci' }))).toBe('name_taken');
  expect(keys.insert(aKey({ id: 'K2', name: 'other' }))).toBe('created');
  expect(keys.update(aKey({ id: 'K2', name: 'ci' }))).toBe('name_taken');
  expect(keys.update(aKey({ id: 'K1', name: 'ci', status: 'revoked' }))).toBe('updated');
  expect(keys.update(aKey({ id: 'K2', name: 'ci' }))).toBe('updated');
  expect(keys.find('ci')?.id).toBe('K2');
});

test('an update replaces the secrets and every mutable field', async () => {
  await using temp = await openTempStore();
  const { keys } = temp.store;
  keys.insert({ ...full, status: 'active' });
  const rotated = aKey({
    id: full.id,
    name: 'renamed',
    createdAtMs: full.createdAtMs,
    secrets: [{ digest: digest(9), createdAtMs: 5, expiresAtMs: null }],
  });
  expect(keys.update(rotated)).toBe('updated');
  expect(keys.find(full.id)).toEqual(rotated);
  expect(keys.update(aKey({ id: 'nobody' }))).toBe('not_found');
});

test('an id is found before a name that looks like it', async () => {
  await using temp = await openTempStore();
  const { keys } = temp.store;
  keys.insert(aKey({ id: 'K1', name: 'K2' }));
  keys.insert(aKey({ id: 'K2', name: 'other' }));
  expect(keys.find('K2')?.name).toBe('other');
  expect(keys.find('nobody')).toBeUndefined();
});

test('pages walk all keys in id order', async () => {
  await using temp = await openTempStore();
  const { keys } = temp.store;
  for (const id of ['c', 'a', 'e', 'b', 'd']) keys.insert(aKey({ id, name: id }));
  const seen: string[][] = [];
  for (let after: string | null = null; ; ) {
    const page = keys.page(after, 2);
    if (page.length === 0) break;
    seen.push(page.map((key) => key.id));
    after = page.at(-1)?.id ?? null;
  }
  expect(seen).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

test('what a newer version wrote in a key is read as the stricter of what this one knows', async () => {
  const dataDir = tempDir();
  {
    await using temp = await openTempStore({ dataDir });
    temp.store.keys.insert(full);
  }
  const db = openSqlite(databasePath(dataDir), { busyTimeoutMs: 0, mustExist: true });
  db.exec("UPDATE keys SET status = 'suspended', content = 'all', budget_tokens_window = 'year'");
  db.close();
  await using again = await openTempStore({ dataDir });
  expect(again.store.keys.find(full.id)).toMatchObject({
    content: 'off',
    limits: { tokenBudget: { tokens: 1_000_000, window: 'total' } },
  });
});
