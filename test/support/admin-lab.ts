import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FileBudgets } from '../../src/admin/budget-desk.ts';
import type { LiveGateway } from '../../src/admin/live-gateway.ts';
import { createOperations } from '../../src/admin/local-operations.ts';
import type { OperationError } from '../../src/admin/operation-error.ts';
import type { Operations } from '../../src/admin/operations.ts';
import { createRemoteOperations } from '../../src/admin/remote-operations.ts';
import { startAdminServer } from '../../src/admin/server.ts';
import type { RandomBytes } from '../../src/core/clock.ts';
import type { Log } from '../../src/observe/log.ts';
import { createCheckpointer } from '../../src/store/checkpointer.ts';
import { type ContentAccess, createNoContent } from '../../src/store/content/content-access.ts';
import type { Store } from '../../src/store/store.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { someSigningKey } from './some-signing-key.ts';
import { openTempStore } from './temp-store.ts';

/** Who asks for everything here. */
export const ACTOR = 'alice@gpu-box';

/** A real store with operations on it and, for `remote`, an admin socket between. */
export interface AdminLab extends AsyncDisposable {
  readonly operations: Operations;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly dataDir: string;
  readonly socketPath: string;
  /** What the server reported as its own failures. */
  readonly failures: OperationError[];
}

export interface AdminLabOptions {
  /** `local-unnamed`: in this process, for a server that knows who asks. */
  readonly way: 'local' | 'local-unnamed' | 'remote';
  readonly live?: LiveGateway | null;
  readonly log?: Pick<Log, 'levels' | 'setLevels'>;
  readonly content?: ContentAccess;
  /** What the configuration says of budgets; null when it cannot be read. */
  readonly fileBudgets?: FileBudgets | null;
}

export async function openAdminLab(options: AdminLabOptions): Promise<AdminLab> {
  const { way, live = null, content = createNoContent(), fileBudgets = null } = options;
  const clock = createFakeClock();
  const temp = await openTempStore({ clock });
  chmodSync(temp.dataDir, 0o700);
  const { store, dataDir } = temp;
  const random = createCountingRandom();
  const key = someSigningKey(store.audit.installId);
  const signing = {
    checkpointer: () => createCheckpointer({ audit: store.audit, clock, key }),
    publicKeys: () => key.verifier.text,
  };
  const here = { actor: () => ({ actor: ACTOR, origin: 'offline' }) };
  const local = createOperations({
    ...{ store, content, clock, random, live, signing },
    fileBudgets: async () => fileBudgets,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(way === 'local' ? here : {}),
  });
  const socketPath = join(dataDir, 'admin.sock');
  const failures: OperationError[] = [];
  const server =
    way !== 'remote'
      ? null
      : startAdminServer({
          socketPath,
          operations: local,
          version: '0.1.0',
          onFailure: (failure) => failures.push(failure),
        });
  return {
    operations: server === null ? local : createRemoteOperations({ socketPath }, { actor: ACTOR }),
    store,
    clock,
    dataDir,
    socketPath,
    failures,
    async [Symbol.asyncDispose]() {
      await server?.stop();
      await temp[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Bytes that never repeat within a test and are the same in the next run: ids can be golden. */
export function createCountingRandom(): RandomBytes {
  let seed = 0;
  return (count) => Uint8Array.from({ length: count }, () => (seed++ * 37 + 11) % 248);
}
