import type { Operations } from '../admin/operations.ts';
import { type HttpClient, openHttpClient } from '../backends/http1/client.ts';
import { listModels } from '../backends/list-models.ts';
import { startWatchdog } from '../backends/watchdog.ts';
import type { Config } from '../config/config.ts';
import { type Clock, type RandomBytes, systemClock, systemRandom } from '../core/clock.ts';
import { startDataPlane } from '../gateway/server.ts';
import type { Log } from '../observe/log.ts';
import { configSecrets } from './config-secrets.ts';
import { createGate } from './create-gate.ts';
import { startDiscovery } from './discovery.ts';
import { cutNow, drain } from './drain.ts';
import { type BuiltGeneration, createGeneration } from './generation.ts';
import { openKeyDirectory } from './key-directory.ts';
import { openObservatory } from './observatory.ts';
import { openAdmin } from './open-admin.ts';
import { openWatchers } from './open-watchers.ts';
import { openPool, type Pool } from './pool.ts';
import { startProgressNotes } from './progress.ts';
import { createFraction } from './random-fraction.ts';
import { openRecords, type Records } from './records.ts';
import { createReloader, type LoadConfig, type Reloader } from './reload.ts';
import { watchLoad } from './watch-load.ts';

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
  /** Commit it was built from; null when run from source. */
  readonly commit?: string | null;
  /** What model servers that it starts may inherit parts of; nothing by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How many errors nothing has caught. */
  readonly uncaught?: () => number;
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
  const { env = {}, uncaught = () => 0 } = options;
  log.hide(configSecrets(config));
  const records = await openRecords({ config, clock, random, log });
  const { store } = records;
  const closers: (() => void | Promise<void>)[] = [() => records.close()];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const { client, close: closeTransport } = openTransport(clock, log.for('backends'));
    closers.push(closeTransport);
    const keys = openKeyDirectory(store.keys, (cause) =>
      log.for('store').error('keys_not_read', { cause }),
    );
    closers.push(() => keys.close());
    const fraction = createFraction(random);
    const first = createGeneration(config, { number: 1, client, clock });
    const observatory = openObservatory({ config, clock, random, log, version, uncaught });
    closers.push(() => observatory.close());
    const { capacity } = observatory;
    const pool = openPool({ first, client, clock, log, env, capacity, random: fraction });
    closers.push(() => pool.close());
    const gate = await createGate(first, {
      ...{ records, keys, pool, observatory, clock, log: log.for('gateway'), random: fraction },
    });
    closers.push(() => gate.shadows.stop());
    closers.push(watchLoad(clock, gate.load));
    const discovery = watchModels({ first, client, pool, clock, log: log.for('backends') }, () =>
      reloader.rebuildModels(),
    );
    closers.push(() => discovery.close());
    const { configFile, loadConfig } = options;
    const reloader = createReloader({
      ...{ gate, pool, observatory, records, client, first, discovery, configFile, loadConfig },
    });
    reloader.rebuildModels();
    closers.push(startProgressNotes(gate));
    const watchers = openWatchers({
      ...{ gate, pool, records, observatory, reloader, clock, random, log, env },
    });
    const { retention, troubles } = watchers;
    closers.push(() => watchers.close());

    const dataPlane = startDataPlane(gate, config.listen);
    closers.push(() => dataPlane.kill());
    const views = observatory.open({
      ...{ gate, pool, client, records, retention, keys, troubles },
      config: () => reloader.config,
      backends: () => reloader.backends,
      build: { version, commit: options.commit ?? null, runtime: `bun ${Bun.version}` },
      url: dataPlane.url,
    });
    const admin = openAdmin({
      ...{ config, gate, pool, views, keys, records, retention, reloader, discovery },
      ...{ clock, random, log, version, url: dataPlane.url },
    });
    closers.push(() => admin.stop());

    recordStart(records, options);
    const ready = discovery.refresh().then(() => {
      gate.discovered = true;
    });
    let stopping: Promise<void> | undefined;
    return {
      url: dataPlane.url,
      operations: admin.operations,
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

interface ModelSources {
  readonly first: BuiltGeneration;
  readonly client: HttpClient;
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
}

function watchModels({ first, client, pool, ...rest }: ModelSources, onChange: () => void) {
  return startDiscovery({
    ...{ ...rest, onChange },
    backends: first.backends,
    listModels: (backend) => listModels(client, backend, rest.clock.monotonicMs()),
    // A model server that is not running is not started for a list.
    isAskable: ({ id }) => (pool.processes.state(id) ?? 'ready') === 'ready',
  });
}

/** The connections to backends and the deadlines on them. */
function openTransport(clock: Clock, log: Log): { client: HttpClient; close: () => void } {
  const watchdog = startWatchdog(clock);
  const client = openHttpClient({
    watchdog,
    clock,
    onReaderError: (cause) => log.error('reply_reader_failed', { cause }),
  });
  const close = () => {
    client.close();
    watchdog.close();
  };
  return { client, close };
}

function recordStart({ keeper, store }: Records, options: RunOptions): void {
  const { version, config, configFile: path, configSha256: sha256 } = options;
  keeper.started({ version, generation: 1, recovered: store.recovered });
  keeper.loaded({ generation: 1, path, sha256, actor: 'gateway', origin: 'gateway' }, config);
}
