import type { HttpClient } from '../backends/http1/client.ts';
import type { Config } from '../config/config.ts';
import type { Gate } from '../gateway/gate.ts';
import { createModelTable } from '../routing/model-table.ts';
import type { Discovery } from './discovery.ts';
import { type BuiltGeneration, createGeneration } from './generation.ts';

/** Reads and checks the configuration. Throws an error whose message is the whole list of problems. */
export type LoadConfig = () => Promise<Config>;

export interface ReloadReport {
  readonly ok: boolean;
  readonly generation: number;
  /** What `validate` would print; empty when ok. */
  readonly problems: string;
}

export interface Reloader {
  readonly configFile: string | null;
  readonly config: Config;
  /** Puts configured and discovered models together again. */
  rebuildModels(): void;
  /** One at a time; a call during a reload gets the result of a fresh one after it. */
  reload(): Promise<ReloadReport>;
}

interface ReloaderOptions {
  readonly gate: Gate;
  readonly client: HttpClient;
  readonly first: BuiltGeneration;
  readonly discovery: Discovery;
  readonly configFile: string | null;
  readonly loadConfig: LoadConfig;
}

/** Settings that are read once, at start. A reload keeps the old value and says so. */
const FIXED = ['listen', 'dataDir', 'durability'] as const;
const FIXED_NAMES = { listen: 'listen', dataDir: 'data_dir', durability: 'durability' } as const;

/**
 * Replaces the running configuration: load, check, build, then swap one reference. Requests on
 * their way to a backend keep the generation they have; a bad file changes nothing.
 */
export function createReloader(options: ReloaderOptions): Reloader {
  const { gate, client, discovery, configFile, loadConfig } = options;
  let current = options.first;
  let queue: Promise<unknown> = Promise.resolve();

  const rebuildModels = () => {
    gate.models = createModelTable(current.config.models, discovery.current());
  };

  const reloadNow = async (): Promise<ReloadReport> => {
    const number = gate.generation.number;
    let next: BuiltGeneration;
    try {
      const config = await loadConfig();
      next = createGeneration(config, { number: number + 1, client });
    } catch (cause) {
      const problems = cause instanceof Error ? cause.message : String(cause);
      gate.log.error('reload_refused', { generation: number, problems });
      return { ok: false, generation: number, problems };
    }
    const needRestart = FIXED.filter(
      (name) => JSON.stringify(next.config[name]) !== JSON.stringify(current.config[name]),
    ).map((name) => FIXED_NAMES[name]);
    current = next;
    gate.generation = next.generation;
    gate.limiter.replaceRules(next.config.limits);
    gate.budgets.replaceRules(next.config.budgets);
    gate.log.setLevel(next.config.log.level);
    discovery.replaceBackends(next.backends);
    rebuildModels();
    // New backends are asked now, so that their models are there when the reload is reported.
    await discovery.refresh();
    if (needRestart.length > 0) gate.log.warn('restart_needed', { settings: needRestart });
    gate.log.info('reloaded', { generation: number + 1 });
    return { ok: true, generation: number + 1, problems: '' };
  };

  return {
    configFile,
    get config() {
      return current.config;
    },
    rebuildModels,
    reload() {
      const result = queue.then(reloadNow);
      // One that fails must not fail those after it.
      queue = result.catch(() => {});
      return result;
    },
  };
}
