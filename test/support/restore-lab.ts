import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openContentStore } from '../../src/store/content/content-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createFakeClock } from './fake-clock.ts';
import { CONTENT_KEY, requestId } from './temp-content.ts';
import { aFinishedRow, aKey, openTempStore, tempDir } from './temp-store.ts';

/** Digest of the only secret of the key that every lab has. */
export const DIGEST = new Uint8Array(32).fill(7);

export interface RestoreLab {
  readonly dataDir: string;
  /** Of 20 requests, the content of one, and one key that works. */
  readonly file: string;
}

/** Copies of what `makeRestoreLab` made: the same installation each time. */
export function copyRestoreLab(from: string): RestoreLab {
  const folder = tempDir();
  cpSync(from, folder, { recursive: true });
  return { dataDir: join(folder, 'data'), file: join(folder, 'backup.db') };
}

/** A data directory that has 30 requests, and a backup from when it had 20, in a folder. */
export async function makeRestoreLab(folder: string): Promise<RestoreLab> {
  const dataDir = join(folder, 'data');
  const file = join(folder, 'backup.db');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const key = aKey({ secrets: [{ digest: DIGEST, createdAtMs: 1, expiresAtMs: null }] });
  await using temp = await openTempStore({ dataDir });
  const { store } = temp;
  store.keys.insert(key);
  await capture(dataDir, 1);
  await settle(store, 20);
  // Sums are in the backup as well.
  await store.books.check();
  await store.backup({ file, overwrite: false, llmgate: '0.1.0', atMs: 1_763_700_000_000 });
  await capture(dataDir, 2);
  await settle(store, 10);
  store.keys.update({ ...key, status: 'revoked', secrets: [] });
  const who = { actor: 'ada', origin: 'offline', before: null, after: null };
  store.audit.record({ atMs: 5, ...who, action: 'key.revoke', target: key.id });
  store.legalHolds.place({ scope: 'user', subject: 'ada', reason: 'a case', createdAtMs: 6 });
  store.audit.record({ atMs: 6, ...who, action: 'content.erase', target: 'user:bob' });
  return { dataDir, file };
}

/** Requests that end a second apart. */
export async function settle(store: Store, count: number): Promise<void> {
  const startMs = 1_763_600_000_000 + store.ledger.stats().rowsSettled * 1_000;
  for (let n = 0; n < count; n += 1) {
    await store.ledger.settle(aFinishedRow({ startedAtMs: startMs + n * 1_000 }), []);
  }
}

async function capture(dataDir: string, number: number): Promise<void> {
  const content = await openContentStore({
    ...{ dataDir, contentKeys: [CONTENT_KEY], capBytes: 1_024, retentionMs: 1_000_000 },
    ...{ durability: 'process', clock: createFakeClock() },
  });
  const begun = content.begin({ requestId: requestId(number), key: aKey(), mode: 'full' });
  begun?.request(Buffer.from(`question ${number}`));
  await begun?.finish();
  await content.close();
}

/** Every file of a directory with its bytes, but for the lock, which whoever looks takes. */
export function filesIn(dir: string): Record<string, string> {
  const names = readdirSync(dir)
    .filter((name) => name !== 'lock')
    .toSorted();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(dir, name)).toString('latin1')]),
  );
}
