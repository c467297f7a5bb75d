import type { Backend } from '../backends/backend.ts';
import type { HttpClient } from '../backends/http1/client.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Gate } from '../gateway/gate.ts';
import type { EnergyShares } from '../gpu/energy-share.ts';
import type { GpuWatch } from '../gpu/gpu-watch.ts';
import type { LiveDocument } from '../observe/live-document.ts';
import type { LiveList } from '../observe/live-lists.ts';
import type { Log } from '../observe/log.ts';
import { createMetricsPage, type MetricsPage } from '../observe/metrics/metrics-page.ts';
import type { RequestMetrics } from '../observe/metrics/request-metrics.ts';
import { type BuildFacts, collectMetrics } from './collect-metrics.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { LiveActivity } from './live-activity.ts';
import type { LiveLog } from './live-log.ts';
import { liveDocument } from './live-view.ts';
import { createProcessFigures } from './metrics/process-figures.ts';
import type { Pool } from './pool.ts';
import type { Sequence } from './recent-ring.ts';
import type { Records } from './records.ts';
import type { Retention } from './retention.ts';
import type { Traces } from './traces.ts';
import type { TroubleAlerts } from './trouble-alerts.ts';

/** The pages about a gateway, made when somebody asks for them. */
export interface Views {
  metricsPage(accept: string | null): MetricsPage;
  live(since: number, lists: readonly LiveList[]): LiveDocument;
}

/** What there is to see. */
export interface Scene {
  readonly gate: Gate;
  readonly pool: Pool;
  readonly client: HttpClient;
  readonly records: Records;
  readonly retention: Retention;
  readonly troubles: TroubleAlerts;
  readonly keys: KeyDirectory;
  readonly config: () => Config;
  readonly backends: () => readonly Backend[];
  readonly build: BuildFacts;
  readonly url: string;
}

/** What has been watched since the start. */
export interface Watched {
  readonly clock: Clock;
  readonly startedMs: number;
  readonly startedAtMs: number;
  readonly sequence: Sequence;
  readonly activity: LiveActivity;
  readonly lines: LiveLog;
  readonly log: Log;
  readonly uncaught: () => number;
  readonly metrics: RequestMetrics;
  readonly traces: Traces | null;
  readonly gpus: GpuWatch | null;
  readonly energy: EnergyShares;
}

export function openViews(scene: Scene, watched: Watched): Views {
  const { clock, startedMs, startedAtMs, sequence, activity, lines, metrics, gpus } = watched;
  const { gate, pool, config } = scene;
  const process = createProcessFigures(config().dataDir);
  const page = createMetricsPage(
    (out) =>
      collectMetrics(out, {
        ...{ clock, startedAtMs, process },
        requests: metrics,
        pool: poolSources(scene, watched),
        records: recordSources(scene),
        build: scene.build,
        gateway: () => gatewayFigures(scene, watched),
        limiter: () => gate.limiter.stats(),
      }),
    () => clock.monotonicMs(),
  );
  return {
    metricsPage: page,
    live: (since, lists) =>
      liveDocument(
        {
          ...{ clock, startedMs, sequence, activity, metrics, log: lines },
          gateway: () => ({
            version: scene.build.version,
            startedAtMs,
            generation: gate.generation.number,
            listen: scene.url,
            draining: gate.draining,
            unauthenticated: gate.counters.unauthenticated,
          }),
          backends: () => config().backends,
          models: () => gate.models.models,
          scheduler: pool.scheduler,
          health: pool.health,
          processes: pool.processes,
          inFlight: () => gate.inFlight.all(),
          story: (id) => gate.stories.find(id),
          gpus: () => gpus?.sample() ?? [],
          keys: scene.keys,
          limiter: gate.limiter,
          budgets: gate.budgets,
        },
        since,
        lists,
      ),
  };
}

function poolSources({ gate, pool, client, backends }: Scene, { gpus, energy }: Watched) {
  return {
    scheduler: pool.scheduler,
    health: pool.health,
    processes: pool.processes,
    models: () =>
      gate.models.models.map(({ name, targets }) => ({
        name,
        backends: targets.map(({ backend }) => backend),
      })),
    connections: () => {
      const byKey = new Map(client.stats().map((origin) => [origin.key, origin]));
      return backends().map(({ id, origin }) => ({
        backend: id,
        origin: byKey.get(origin.key) ?? null,
      }));
    },
    gpus: () => gpus?.sample() ?? [],
    energy: () => energy.standing().backends,
  };
}

function recordSources({ gate, records, retention, troubles }: Scene) {
  return {
    ledger: () => records.store.ledger.stats(),
    budgets: () => gate.budgets.stats(),
    audit: () => records.keeper.counters(),
    content: () => {
      const { kept, lost } = records.content.stats();
      return { kept, lost, isFailing: records.keepsContent && records.content.isFailing };
    },
    exports: () => records.copies.stats().exports.sinks,
    retention: () => retention.stats(),
    budgetAlerts: () => records.copies.stats().alerts,
    troubleAlerts: () => troubles.stats(),
  };
}

function gatewayFigures({ gate, keys }: Scene, { traces, log, uncaught }: Watched) {
  return {
    inFlight: gate.inFlight.size,
    bytesInFlight: gate.load.bytesInFlight,
    isDraining: gate.draining,
    generation: gate.generation.number,
    counters: gate.counters,
    tagsLeftOut: gate.requestTags.leftOut,
    keys: keys.stats().keys,
    loopLagMs: gate.load.lagMs,
    uncaught: uncaught(),
    logLinesDropped: log.dropped,
    traces: traces?.stats() ?? null,
  };
}
