import type { HealthBoard } from '../../backends/health/health.ts';
import type { OriginStats } from '../../backends/http1/client.ts';
import type { EngineProcesses } from '../../backends/process/engine-processes.ts';
import type { GpuSample } from '../../gpu/gpu-sample.ts';
import type { Scheduler } from '../../routing/scheduling.ts';

/** Where figures of backends and GPUs come from. Asked at every scrape, so all of it is cheap. */
export interface PoolSources {
  readonly scheduler: Pick<Scheduler, 'views' | 'lines' | 'stats'>;
  readonly health: Pick<HealthBoard, 'views'>;
  readonly processes: Pick<EngineProcesses, 'views'>;
  /** Every model with the backends that answer for it. */
  readonly models: () => readonly ModelPlaces[];
  /** Every backend with the connections to its address; null before the first. */
  readonly connections: () => readonly BackendConnections[];
  readonly gpus: () => readonly GpuSample[];
  readonly energy: () => readonly BackendJoules[];
}

export interface ModelPlaces {
  readonly name: string;
  readonly backends: readonly string[];
}

export interface BackendConnections {
  readonly backend: string;
  readonly origin: OriginStats | null;
}

export interface BackendJoules {
  readonly backend: string;
  readonly joules: number;
  /** null before the first token. */
  readonly joulesPer1kTokens: number | null;
}
