import type { Backend } from '../backends/backend.ts';
import type { HttpClient } from '../backends/http1/client.ts';
import type { Config } from '../config/config.ts';
import type { Gate } from '../gateway/gate.ts';
import { createModelTable } from '../routing/model-table.ts';
import { configSecrets } from './config-secrets.ts';
import type { Discovery } from './discovery.ts';
import { type BuiltGeneration, createGeneration } from './generation.ts';
import type { Observatory } from './observatory.ts';
import type { Pool } from './pool.ts';
import type { Records } from './records.ts';

/** A configuration and which version of its file it is. */
export interface ReadConfig {
  readonly config: Config;
  /** SHA-256 of the file, hexadecimal; null when there is none. */
  readonly sha256: string | null;
}

/** Reads and checks the configuration. Throws an error whose message is the whole list of problems. */
export type LoadConfig = () => Promise<ReadConfig>;

/** Who asked for a reload, and how: `file`, `signal`, `admin socket`. */
export interface ReloadAsker {
  readonly actor: string;
  readonly origin: string;
}

export interface ReloadReport {
  readonly ok: boolean;
  readonly generation: number;
  /** What `validate` would print; empty when ok. */
  readonly problems: string;
}

export interface Reloader {
  readonly configFile: string | null;
  readonly config: Config;
  /** Those of `config`, ready for requests. */
  readonly backends: readonly Backend[];
  /** Also tells whoever has to follow of each configuration that was taken. Returns what ends it. */
  onReload(follow: (config: Config) => void): () => void;
  /** Puts configured and discovered models together again. */
  rebuildModels(): void;
  /** One at a time; a call during a reload gets the result of a fresh one after it. */
  reload(by: ReloadAsker): Promise<ReloadReport>;
}

interface ReloaderOptions {
  readonly gate: Gate;
  readonly records: Pick<Records, 'keeper' | 'content'>;
  readonly client: HttpClient;
  readonly pool: Pick<Pool, 'replace'>;
  readonly observatory: Pick<Observatory, 'replaceBackends'>;
  readonly first: BuiltGeneration;
  readonly discovery: Discovery;
  readonly configFile: string | null;
  readonly loadConfig: LoadConfig;
}

/** Settings that are read once, at start. A reload keeps the old value and says so. */
const FIXED: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
  ['listen', ({ listen }) => listen],
  ['data_dir', ({ dataDir }) => dataDir],
  ['durability', ({ durability }) => durability],
  ['timezone', ({ timezone }) => timezone],
  [
    'audit.content_key',
    ({ audit }) => audit.contentKeys.map((key) => Buffer.from(key).toString('hex')),
  ],
  ['audit.signing_key', ({ audit }) => audit.signingKey],
  ['audit.export', ({ audit }) => audit.exports],
  ['alerts', ({ alerts }) => alerts],
  ['admin.listen', ({ admin }) => admin.listen],
  ['metrics', ({ metrics }) => metrics],
  ['traces', ({ traces }) => traces],
  ['gpu', ({ gpu }) => gpu],
];

/**
 * Replaces the running configuration: load, check, build, then swap one reference. Requests on
 * their way to a backend keep the generation they have; a bad file changes nothing.
 */
export function createReloader(options: ReloaderOptions): Reloader {
  const { gate, pool, observatory, records, client, discovery, configFile, loadConfig } = options;
  const { clock } = gate;
  const log = gate.log.for('app');
  const followers = new Set<(config: Config) => void>();
  let current = options.first;
  let queue: Promise<unknown> = Promise.resolve();

  const rebuildModels = () => {
    const { models, backends } = current.config;
    const weights = new Map(backends.map(({ id, weight }) => [id, weight]));
    gate.models = createModelTable(models, discovery.current(), weights);
  };

  const reloadNow = async (by: ReloadAsker): Promise<ReloadReport> => {
    const number = gate.generation.number;
    const facts = { generation: number + 1, path: configFile, sha256: null, ...by };
    let next: BuiltGeneration;
    try {
      const { config, sha256 } = await loadConfig();
      next = createGeneration(config, { number: number + 1, client, clock, previous: current });
      // A change that cannot be put on record is not made.
      records.keeper.reloading({ ...facts, sha256 }, current.config, config);
    } catch (cause) {
      const problems = cause instanceof Error ? cause.message : String(cause);
      log.error('reload_refused', { generation: number, problems });
      records.keeper.reloadRefused(facts, problems);
      return { ok: false, generation: number, problems };
    }
    const needRestart = FIXED.filter(
      ([, of]) => JSON.stringify(of(next.config)) !== JSON.stringify(of(current.config)),
    ).map(([name]) => name);
    // Requests in flight still use what was there before.
    const previous = current.config;
    current = next;
    gate.generation = next.generation;
    pool.replace(next);
    observatory.replaceBackends(next.config);
    gate.limiter.replaceRules(next.config.limits);
    gate.budgets.replaceRules(next.config.budgets);
    for (const follow of followers) follow(next.config);
    log.setLevels(next.config.log);
    log.hide(new Set([...configSecrets(previous), ...configSecrets(next.config)]));
    const { checkpointIntervalMs, contentCapBytes, contentRetentionMs } = next.config.audit;
    records.keeper.setCheckpointInterval(checkpointIntervalMs);
    records.content.setLimits({ capBytes: contentCapBytes, retentionMs: contentRetentionMs });
    discovery.replaceBackends(next.backends);
    rebuildModels();
    // New backends are asked now, so that their models are there when the reload is reported.
    await discovery.refresh();
    if (needRestart.length > 0) log.warn('restart_needed', { settings: needRestart });
    log.info('reloaded', { generation: number + 1 });
    return { ok: true, generation: number + 1, problems: '' };
  };

  return {
    configFile,
    get config() {
      return current.config;
    },
    get backends() {
      return current.backends;
    },
    rebuildModels,
    onReload(follow) {
      followers.add(follow);
      return () => void followers.delete(follow);
    },
    reload(by) {
      const result = queue.then(() => reloadNow(by));
      // One that fails must not fail those after it.
      queue = result.catch(() => {});
      return result;
    },
  };
}
