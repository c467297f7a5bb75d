import type { HealthView } from '../../backends/health/health.ts';
import type { OriginStats } from '../../backends/http1/client.ts';
import type { ProcessView } from '../../backends/process/engine-processes.ts';
import type { GpuSample } from '../../gpu/gpu-sample.ts';
import type { Scheduler } from '../../routing/scheduling.ts';

/** Where figures of backends and GPUs come from. Asked at every scrape, so all of it is cheap. */
export interface PoolSources {
  readonly scheduler: Pick<Scheduler, 'views' | 'lines' | 'stats'>;
  readonly health: { views(nowMs: number): readonly BackendHealth[] };
  readonly processes: { views(): readonly BackendProcess[] };
  /** Every model with the backends that answer for it. */
  readonly models: () => readonly ModelPlaces[];
  /** Every backend with the connections to its address; null before the first. */
  readonly connections: () => readonly BackendConnections[];
  readonly gpus: () => readonly GpuSample[];
  readonly energy: () => readonly BackendJoules[];
}

export type BackendHealth = Pick<
  HealthView,
  'id' | 'state' | 'accepts' | 'isDrained' | 'breaker' | 'load' | 'failures' | 'breakerOpened'
>;

export type BackendProcess = Pick<
  ProcessView,
  'backend' | 'state' | 'inUse' | 'waiting' | 'starts' | 'crashes' | 'evictions' | 'loadMs'
>;

export interface ModelPlaces {
  readonly name: string;
  readonly backends: readonly string[];
}

export interface BackendConnections {
  readonly backend: string;
  readonly origin: ConnectionFigures | null;
}

type ConnectionFigures = Pick<OriginStats, 'open' | 'idle' | 'reusedRatio' | 'failures'>;

export interface BackendJoules {
  readonly backend: string;
  readonly joules: number;
  /** null before the first token. */
  readonly joulesPer1kTokens: number | null;
}
