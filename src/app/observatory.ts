import { totalmem } from 'node:os';
import type { Capacity } from '../backends/process/room.ts';
import type { Config } from '../config/config.ts';
import type { Clock, RandomBytes } from '../core/clock.ts';
import type { RequestActivity } from '../gateway/ports.ts';
import { createEnergyShares, type EnergyShares, type LocalBackend } from '../gpu/energy-share.ts';
import type { GpuWatch } from '../gpu/gpu-watch.ts';
import { openGpusHere } from '../gpu/open-gpus-here.ts';
import type { Log } from '../observe/log.ts';
import { createRequestMetrics, type RequestMetrics } from '../observe/metrics/request-metrics.ts';
import { LiveActivity } from './live-activity.ts';
import { LiveLog } from './live-log.ts';
import { openTraces, type Traces } from './traces.ts';
import { openViews, type Scene, type Views } from './views.ts';

/** Everything that watches a gateway without taking part: counters, GPUs, what screens show. */
export interface Observatory {
  readonly metrics: RequestMetrics;
  readonly activity: RequestActivity;
  /** null: nothing is traced. */
  readonly traces: Traces | null;
  readonly gpus: GpuWatch | null;
  readonly energy: EnergyShares;
  /** What fits into this machine, as far as it is known now. */
  capacity(): Capacity;
  replaceBackends(config: Config): void;
  /** The pages, once there is a gateway to tell of. */
  open(scene: Scene): Views;
  close(): Promise<void>;
}

interface ObservatoryOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomBytes;
  readonly version: string;
  /** How many errors nothing has caught. */
  readonly uncaught: () => number;
}

/** Of a GPU's memory a model server can have this part; the rest is the driver's. */
const USABLE_PART = 0.97;

export function openObservatory(options: ObservatoryOptions): Observatory {
  const { config, clock, log } = options;
  const sequence = { last: 0 };
  const activity = new LiveActivity(clock, sequence);
  const lines = new LiveLog(clock, sequence);
  const stopListening = log.onLine((line) => lines.write(line));
  const seen = { sequence, activity, lines };
  const types = new Map(config.backends.map(({ id, type }) => [id, type]));
  const metrics = createRequestMetrics({
    ...config.metrics,
    providerOf: (backend) => types.get(backend) ?? 'unknown',
  });
  const energy = createEnergyShares({
    backends: toLocal(config),
    nowMs: () => clock.monotonicMs(),
  });
  const gpus =
    config.gpu === 'off'
      ? null
      : openGpusHere({
          onSample: (samples) => energy.sampled(samples),
          onChange: (level, problem) => log.for('app')[level]('gpus', { problem }),
        });
  const { backends } = config;
  const traces =
    config.traces === null
      ? null
      : openTraces(config.traces, { ...options, backends, log: log.for('sinks') });
  const startedMs = clock.monotonicMs();
  const startedAtMs = clock.nowMs();
  return {
    metrics,
    activity: {
      finished(row, queueMs) {
        activity.finished(row, queueMs);
        if (row.backend === null || gpus === null) return;
        const { inputTokens, outputTokens } = row.usage;
        energy.served({
          backend: row.backend,
          key: row.keyId,
          tokens: inputTokens + outputTokens,
          tookMs: row.backendMs ?? 0,
        });
      },
    },
    traces,
    gpus,
    energy,
    capacity: () => ({
      gpuBytes: new Map(
        gpus
          ?.sample()
          .flatMap(({ index, memoryTotalBytes }) =>
            memoryTotalBytes === null ? [] : [[index, memoryTotalBytes * USABLE_PART] as const],
          ),
      ),
      machineBytes: totalmem(),
    }),
    replaceBackends(next) {
      energy.replaceBackends(toLocal(next));
      traces?.replaceBackends(next.backends);
      for (const { id, type } of next.backends) types.set(id, type);
    },
    open: (scene) =>
      openViews(scene, {
        ...seen,
        log,
        uncaught: options.uncaught,
        metrics,
        traces,
        gpus,
        energy,
        clock,
        startedMs,
        startedAtMs,
      }),
    async close() {
      stopListening();
      gpus?.close();
      await traces?.close();
    },
  };
}

/** Backends on the GPUs of this machine: those it starts itself, else every engine on loopback. */
function toLocal({ backends }: Config): LocalBackend[] {
  return backends
    .filter(({ process, url }) => process !== null || isLoopback(url))
    .map(({ id, process }) => ({ id, gpus: process?.gpus ?? [] }));
}

function isLoopback(url: string): boolean {
  return url.startsWith('unix:') || /^https?:\/\/(127\.|localhost\b|\[::1\])/i.test(url);
}
