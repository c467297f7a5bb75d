import { join } from 'node:path';
import { createOperations } from '../admin/local-operations.ts';
import type { Operations } from '../admin/operations.ts';
import { startAdminServer } from '../admin/server.ts';
import { openHttpClient } from '../backends/http1/client.ts';
import { listModels } from '../backends/list-models.ts';
import { startWatchdog } from '../backends/watchdog.ts';
import type { Config } from '../config/config.ts';
import { type Clock, type RandomBytes, systemClock, systemRandom } from '../core/clock.ts';
import { createRequestIds } from '../core/ids.ts';
import { createCounters, type Gate } from '../gateway/gate.ts';
import { InFlight } from '../gateway/in-flight.ts';
import { createRequestTags } from '../gateway/request-tags.ts';
import { startDataPlane } from '../gateway/server.ts';
import { createLimiter } from '../limits/limiter.ts';
import type { Log } from '../observe/log.ts';
import { createGpuShares } from '../pricing/gpu-share.ts';
import { createModelTable } from '../routing/model-table.ts';
import { loadBudgets } from '../store/load-budgets.ts';
import { findPublicKeys } from '../store/signing-key-file.ts';
import { startDiscovery } from './discovery.ts';
import { cutNow, drain } from './drain.ts';
import { type BuiltGeneration, createGeneration } from './generation.ts';
import { type KeyDirectory, openKeyDirectory } from './key-directory.ts';
import { createLiveGateway } from './live-gateway.ts';
import { startProgressNotes } from './progress.ts';
import { openRecords, type Records } from './records.ts';
import { createReloader, type LoadConfig, type Reloader } from './reload.ts';
import { startRetention } from './retention.ts';

export interface RunOptions {
  readonly config: Config;
  /** SHA-256 of its file, hexadecimal; null when it was discovered. */
  readonly configSha256: string | null;
  /** The file the configuration came from; null when it was discovered. */
  readonly configFile: string | null;
  /** Reads the configuration again, for a reload. Throws what makes the file unusable. */
  readonly loadConfig: LoadConfig;
  readonly log: Log;
  readonly version: string;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

export interface RunningGateway {
  readonly url: string;
  readonly operations: Operations;
  readonly reloader: Reloader;
  /** Requests that a crash had left open, settled at this start. */
  readonly recovered: number;
  /** Resolves once every discovering backend was asked. */
  readonly ready: Promise<void>;
  /** Drains and closes everything. A second call cuts what still runs. */
  stop(): Promise<void>;
}

/**
 * Turns a configuration into a running gateway: the only place that knows every room. Opens in
 * order of what may refuse (store, port, admin socket) and closes in the opposite one.
 */
export async function runGateway(options: RunOptions): Promise<RunningGateway> {
  const { config, log, version, clock = systemClock, random = systemRandom } = options;
  const records = await openRecords({ config, clock, random, log });
  const { store, content } = records;
  const closers: (() => void | Promise<void>)[] = [() => records.close()];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const watchdog = startWatchdog(clock);
    closers.push(() => watchdog.close());
    const client = openHttpClient({
      watchdog,
      clock,
      onReaderError: (cause) => log.error('reply_reader_failed', { cause }),
    });
    closers.push(() => client.close());

    const keys = openKeyDirectory(store.keys, (cause) => log.error('keys_not_read', { cause }));
    closers.push(() => keys.close());
    const first = createGeneration(config, { number: 1, client });
    const gate = await createGate(first, { records, keys, clock, log });
    const discovery = startDiscovery({
      backends: first.backends,
      listModels: (backend) => listModels(client, backend),
      clock,
      log,
      onChange: () => reloader.rebuildModels(),
    });
    closers.push(() => discovery.close());
    const { configFile, loadConfig } = options;
    const reloader = createReloader({
      ...{ gate, records, client, first, discovery, configFile, loadConfig },
    });
    reloader.rebuildModels();
    closers.push(startProgressNotes(gate));
    const retention = startRetention({ records, clock, log, config: () => reloader.config });
    closers.push(() => retention.close());

    const dataPlane = startDataPlane(gate, config.listen);
    closers.push(() => dataPlane.kill());
    const live = createLiveGateway({
      ...{ gate, keys, records, retention, reloader, discovery, version },
      url: dataPlane.url,
    });
    const { checkpointer } = records;
    const { dataDir } = config;
    const { signingKey: pem } = config.audit;
    const operations = createOperations({
      ...{ store, content, clock, random, live, version },
      signing: {
        checkpointer: () => checkpointer,
        publicKeys: () => findPublicKeys({ dataDir, installId: store.audit.installId, pem }),
      },
    });
    const admin = startAdminServer({
      socketPath: join(config.dataDir, 'admin.sock'),
      operations,
      version,
      onFailure: (failure) => log.error('admin_failed', { cause: failure }),
    });
    closers.push(() => admin.stop());

    recordStart(records, options);
    const ready = discovery.refresh().then(() => {
      gate.discovered = true;
    });
    let stopping: Promise<void> | undefined;
    return {
      url: dataPlane.url,
      operations,
      reloader,
      recovered: store.recovered,
      ready,
      stop() {
        if (stopping !== undefined) cutNow(gate, dataPlane);
        stopping ??= drain(gate, dataPlane).then(closeAll);
        return stopping;
      },
    };
  } catch (cause) {
    await closeAll();
    throw cause;
  }
}

function recordStart({ keeper, store }: Records, options: RunOptions): void {
  const { version, config, configFile: path, configSha256: sha256 } = options;
  keeper.started({ version, generation: 1, recovered: store.recovered });
  keeper.loaded({ generation: 1, path, sha256, actor: 'gateway', origin: 'gateway' }, config);
}

interface GateParts {
  readonly records: Records;
  readonly keys: KeyDirectory;
  readonly clock: Clock;
  readonly log: Log;
}

/** The gate of a starting gateway: counters derived from the books, models not known yet. */
async function createGate(first: BuiltGeneration, parts: GateParts): Promise<Gate> {
  const { records, keys, clock, log } = parts;
  const { store, content, keeper, copies } = records;
  const { limits, budgets: rules, models, timezone } = first.config;
  return {
    clock,
    requestIds: createRequestIds(clock),
    log,
    keys,
    limiter: createLimiter({ rules: limits, clock }),
    budgets: await loadBudgets({ store, clock, rules, timezone, onAlert: copies.nudgeAlerts }),
    gpuShares: createGpuShares(clock),
    journal: store.ledger,
    content,
    failedLogins: keeper.failedLogins,
    requestTags: createRequestTags(),
    counters: createCounters(),
    inFlight: new InFlight(),
    generation: first.generation,
    models: createModelTable(models, []),
    discovered: false,
    draining: false,
  };
}
