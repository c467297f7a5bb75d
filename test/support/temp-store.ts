import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Key } from '../../src/core/key.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import { someKey } from './some-key.ts';

export { aFinishedRow, anOpenRow } from './request-rows.ts';

export interface TempStoreOptions {
  readonly dataDir?: string;
  readonly clock?: Clock;
  /** Off unless asked for: reports are then computed in the test's own thread. */
  readonly worker?: boolean;
}

export interface TempStore extends AsyncDisposable {
  readonly store: Store;
  readonly dataDir: string;
  readonly events: StoreEvent[];
}

/** A real store in a directory of its own, closed when the test's `await using` ends. */
export async function openTempStore(options: TempStoreOptions = {}): Promise<TempStore> {
  const dataDir = options.dataDir ?? tempDir();
  const events: StoreEvent[] = [];
  const store = await openStore({
    dataDir,
    clock: options.clock ?? systemClock,
    durability: 'process',
    log: (event) => events.push(event),
    worker: options.worker ?? false,
  });
  return {
    store,
    dataDir,
    events,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** A directory that is gone when the test that asked for it ends. */
export function tempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'llmgate-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An active key on whose id the rows below are booked. */
export function aKey(change: Partial<Key> = {}): Key {
  return someKey({ id: 'K00000000001', name: 'a key', ...change });
}
