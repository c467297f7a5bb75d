import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Key } from '../../src/core/key.ts';
import { ZERO_USD } from '../../src/core/money.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { FinishedRow, OpenRow } from '../../src/store/rows.ts';
import type { Store } from '../../src/store/store.ts';
import type { StoreEvent } from '../../src/store/store-event.ts';
import { someKey } from './some-key.ts';

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

/** A directory that is gone when the test process ends. */
export function tempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'llmgate-test-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An active key on whose id the rows below are booked. */
export function aKey(change: Partial<Key> = {}): Key {
  return someKey({ id: 'K00000000001', name: 'a key', ...change });
}

/** A request in flight on a model without a price. */
export function anOpenRow(change: Partial<OpenRow> = {}): OpenRow {
  return {
    id: Bun.randomUUIDv7(),
    keyId: 'K00000000001',
    user: null,
    team: null,
    tenant: null,
    tags: {},
    endpoint: 'chat',
    model: 'small',
    streamed: false,
    startedAtMs: 1_763_600_000_000,
    backend: 'gpu0',
    inputTokensEstimate: 10,
    holdNanoUsd: ZERO_USD,
    price: null,
    ...change,
  };
}

/** A request that was served on a model without a price and used nothing. */
export function aFinishedRow(change: Partial<FinishedRow> = {}): FinishedRow {
  return {
    id: Bun.randomUUIDv7(),
    keyId: 'K00000000001',
    user: null,
    team: null,
    tenant: null,
    tags: {},
    endpoint: 'chat',
    model: 'small',
    streamed: false,
    startedAtMs: 1_763_600_000_000,
    backend: 'gpu0',
    outcome: 'served',
    code: null,
    status: 200,
    finishedAtMs: 1_763_600_000_250,
    ttftMs: 12.5,
    backendMs: 249,
    usage: NO_USAGE,
    usageSource: 'reported',
    estimated: false,
    costNanoUsd: null,
    price: null,
    attempts: 1,
    ...change,
  };
}
