import type { BackendView } from '../admin/gateway-schemas.ts';
import type { HealthView } from '../backends/health/health.ts';
import type { ProcessView } from '../backends/process/engine-processes.ts';
import type { BackendConfig } from '../config/config.ts';
import type { ReplicaStanding } from '../routing/scheduling.ts';
import type { Discovered } from './discovery.ts';

/** What the rooms know of one backend; undefined where they know nothing yet. */
interface Known {
  readonly discovered: Discovered | undefined;
  readonly health: HealthView | undefined;
  readonly standing: ReplicaStanding | undefined;
  readonly process: ProcessView | undefined;
}

/** A backend as operators see it. */
export function toBackendView(
  { id, type, url, labels }: BackendConfig,
  { discovered, health, standing, process }: Known,
): BackendView {
  const checkedAtMs = health?.checkedAtMs ?? discovered?.seenAtMs ?? null;
  const load = health?.load ?? null;
  const isProbed = health !== undefined && health.state !== 'unknown';
  return {
    id,
    type,
    url,
    labels: [...labels],
    state: stateOf(health, discovered),
    drained: health?.isDrained ?? false,
    breaker: health?.breaker ?? 'closed',
    error: health?.problem ?? (isProbed ? null : (discovered?.problem ?? null)),
    checked_at: checkedAtMs === null ? null : new Date(checkedAtMs).toISOString(),
    models: (discovered?.models ?? []).map((model) => model.id),
    in_flight: standing?.inFlight ?? 0,
    places: standing?.places ?? null,
    ttft_ms: standing?.ttftMs ?? null,
    engine:
      load === null ? null : { running: load.running, waiting: load.waiting, kv_used: load.kvUsed },
    process:
      process === undefined
        ? null
        : {
            state: process.state,
            pid: process.pid,
            starts: process.starts,
            crashes: process.crashes,
            waiting: process.waiting,
            problem: process.problem,
          },
  };
}

/** Probes know best; a backend that nobody probes is as well as its model list. */
function stateOf(
  health: HealthView | undefined,
  discovered: Discovered | undefined,
): BackendView['state'] {
  if (health !== undefined && health.state !== 'unknown') return health.state;
  if (discovered === undefined) return 'unknown';
  if (discovered.problem !== null) return 'down';
  return discovered.seenAtMs === null ? 'unknown' : 'up';
}
