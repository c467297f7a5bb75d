import { join } from 'node:path';
import { createOperations } from '../admin/local-operations.ts';
import type { Operations } from '../admin/operations.ts';
import { startAdminServer } from '../admin/server.ts';
import { startAdminTcpServer } from '../admin/tcp-server.ts';
import type { Config } from '../config/config.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Gate } from '../gateway/gate.ts';
import type { Log } from '../observe/log.ts';
import { findPublicKeys } from '../store/signing-key-file.ts';
import type { Discovery } from './discovery.ts';
import type { KeyDirectory } from './key-directory.ts';
import { createLiveGateway } from './live-gateway.ts';
import type { Pool } from './pool.ts';
import type { Records } from './records.ts';
import type { Reloader } from './reload.ts';
import type { Retention } from './retention.ts';
import type { Views } from './views.ts';

/** What operators can do and see, and the ways to it. */
export interface Admin {
  readonly operations: Operations;
  stop(): Promise<void>;
}

interface AdminParts {
  readonly config: Config;
  readonly gate: Gate;
  readonly pool: Pool;
  readonly views: Views;
  readonly keys: KeyDirectory;
  readonly records: Records;
  readonly retention: Retention;
  readonly reloader: Reloader;
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly version: string;
  /** Of the data plane. */
  readonly url: string;
}

/** Opens the admin socket, and the port where one is asked for. Throws when one cannot be had. */
export function openAdmin(parts: AdminParts): Admin {
  const { config, records, clock, random, version, views } = parts;
  const log = parts.log.for('admin');
  const { store, content, checkpointer } = records;
  const { dataDir } = config;
  const { signingKey: pem } = config.audit;
  const operations = createOperations({
    ...{ store, content, clock, random, version, log },
    live: createLiveGateway(parts),
    signing: {
      checkpointer: () => checkpointer,
      publicKeys: () => findPublicKeys({ dataDir, installId: store.audit.installId, pem }),
    },
  });
  const served = {
    operations,
    version,
    metrics: views.metricsPage,
    onFailure: (failure: Error) => log.error('admin_failed', { cause: failure }),
  };
  const socket = startAdminServer({ ...served, socketPath: join(dataDir, 'admin.sock') });
  const { listen } = config.admin;
  if (listen === null) return { operations, stop: () => socket.stop() };
  try {
    const tcp = startAdminTcpServer({
      ...{ ...served, listen },
      keys: () => parts.reloader.config.admin.keys,
      onRefused: (reason, address) => records.keeper.failedLogins.note(reason, address, null),
    });
    log.info('admin_listening', { url: tcp.url });
    return { operations, stop: async () => void (await Promise.all([socket.stop(), tcp.stop()])) };
  } catch (cause) {
    void socket.stop();
    throw cause;
  }
}
