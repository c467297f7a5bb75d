import type { Key } from '../core/key.ts';

/**
 * Every key in memory, by public id. The store is the truth; this is what a request asks, and a
 * change is put here in the same call that stored it, so it holds for the next request.
 */
export interface KeyDirectory {
  find(id: string): Key | undefined;
  put(key: Key): void;
}

export function createKeyDirectory(keys: readonly Key[]): KeyDirectory {
  const byId = new Map(keys.map((key) => [key.id, key]));
  return {
    find: (id) => byId.get(id),
    put: (key) => void byId.set(key.id, key),
  };
}
