import type { Backend } from '../backends/backend.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../observe/log.ts';
import type { DiscoveredModel } from '../protocols/model-discovery.ts';

/** What is known of one backend's model list. */
export interface Discovered {
  readonly backend: string;
  readonly models: readonly DiscoveredModel[];
  /** null until the backend answered once. */
  readonly seenAtMs: number | null;
  /** Why the last attempt failed; null when it did not. */
  readonly problem: string | null;
}

export interface Discovery {
  /** In the order of the configuration; backends that are not asked have an empty list. */
  current(): readonly Discovered[];
  /** Asks every backend once, now, or joins the round that does. Never rejects. */
  refresh(): Promise<void>;
  /** New backends after a reload; what is known of unchanged ones is kept. */
  replaceBackends(backends: readonly Backend[]): void;
  close(): void;
}

interface DiscoveryOptions {
  readonly backends: readonly Backend[];
  readonly listModels: (backend: Backend) => Promise<DiscoveredModel[]>;
  /** False for one that cannot answer now and is not expected to; what it said before stays. */
  readonly isAskable?: (backend: Backend) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after every round that changed a list. */
  readonly onChange: () => void;
}

const REFRESH_EVERY_MS = 15_000;

/**
 * Keeps the model lists of the backends. A backend that fails keeps the list it had: its models
 * are still its models, and requests for them get an honest 503 instead of a 404.
 */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  const { listModels, isAskable = () => true, clock, log, onChange } = options;
  let backends = options.backends;
  const known = new Map<string, Discovered>();
  let round: Promise<void> | undefined;

  const ask = async (backend: Backend): Promise<boolean> => {
    const before = known.get(backend.id);
    try {
      const models = await listModels(backend);
      if (!backends.includes(backend)) return false;
      known.set(backend.id, {
        backend: backend.id,
        models,
        seenAtMs: clock.nowMs(),
        problem: null,
      });
      if (JSON.stringify(before?.models) === JSON.stringify(models)) return false;
      log.info('models_discovered', { backend: backend.id, models: models.length });
      return true;
    } catch (cause) {
      if (!backends.includes(backend)) return false;
      const problem = cause instanceof Error ? cause.message : String(cause);
      if (before?.problem !== problem) {
        log.warn('discovery_failed', { backend: backend.id, problem });
      }
      const { models, seenAtMs } = before ?? { models: [], seenAtMs: null };
      known.set(backend.id, { backend: backend.id, models, seenAtMs, problem });
      return false;
    }
  };
  const refresh = async () => {
    const changes = await Promise.all(
      backends.filter((each) => each.discover && isAskable(each)).map(ask),
    );
    if (changes.includes(true)) onChange();
  };
  const refreshOnce = () => {
    if (round !== undefined) return round;
    const started = refresh().finally(() => {
      if (round === started) round = undefined;
    });
    round = started;
    return started;
  };
  const timer = setInterval(refreshOnce, REFRESH_EVERY_MS);
  timer.unref();

  return {
    current: () =>
      backends.map(
        ({ id }) => known.get(id) ?? { backend: id, models: [], seenAtMs: null, problem: null },
      ),
    refresh: refreshOnce,
    replaceBackends(next) {
      const origins = new Map(backends.map((each) => [each.id, each.origin.key]));
      for (const { id, origin } of next) {
        if (origins.get(id) !== origin.key) known.delete(id);
      }
      backends = next;
      // The round that is under way asks the old ones; what they still say is nobody's list.
      round = undefined;
    },
    close: () => clearInterval(timer),
  };
}
