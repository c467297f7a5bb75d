import { BREAKER_STATES, HEALTH_STATES } from '../../backends/health/health.ts';
import { PROCESS_STATES } from '../../backends/process/engine-processes.ts';
import type { GpuSample } from '../../gpu/gpu-sample.ts';
import { type Exposition, renderLabels } from '../../observe/metrics/exposition.ts';
import { POOL_METRICS as POOL } from '../../observe/metrics/pool-table.ts';
import type { ReplicaStanding } from '../../routing/scheduling.ts';
import { utilisationOf } from '../../routing/utilisation.ts';
import type {
  BackendConnections,
  BackendHealth,
  BackendJoules,
  PoolSources,
} from './pool-sources.ts';
import { writeSamples, writeStates } from './write-samples.ts';

export function writePool(out: Exposition, sources: PoolSources, nowMs: number): void {
  const standings = sources.scheduler.views(nowMs);
  writeHealth(out, sources.health.views(nowMs));
  writeStandings(out, standings);
  writeLines(out, sources, standings);
  writeConnections(out, sources.connections());
  writeProcesses(out, sources.processes);
  writeGpus(out, sources.gpus());
  writeEnergy(out, sources.energy());
}

function writeHealth(out: Exposition, views: readonly BackendHealth[]): void {
  const of = (value: (view: BackendHealth) => number | null) => (view: BackendHealth) =>
    [[view.id], value(view)] as const;
  writeSamples(
    out,
    POOL.up,
    views,
    of((view) => Number(mayBeAsked(view))),
  );
  writeSamples(
    out,
    POOL.accepts,
    views,
    of(({ accepts }) => Number(accepts)),
  );
  const states = views.map(({ id, state }) => [id, state] as const);
  writeStates(out, POOL.state, HEALTH_STATES, states);
  const breakers = views.map(({ id, breaker }) => [id, breaker] as const);
  writeStates(out, POOL.breaker, BREAKER_STATES, breakers);
  writeSamples(
    out,
    POOL.breakerOpened,
    views,
    of(({ breakerOpened }) => breakerOpened),
  );
  writeSamples(
    out,
    POOL.drained,
    views,
    of(({ isDrained }) => Number(isDrained)),
  );
  writeSamples(
    out,
    POOL.failures,
    views,
    of(({ failures }) => failures),
  );
  writeSamples(
    out,
    POOL.engineRunning,
    views,
    of(({ load }) => load?.running ?? null),
  );
  writeSamples(
    out,
    POOL.engineWaiting,
    views,
    of(({ load }) => load?.waiting ?? null),
  );
  writeSamples(
    out,
    POOL.engineKv,
    views,
    of(({ load }) => load?.kvUsed ?? null),
  );
}

/** A vendor is not probed: until a request has failed there, nothing speaks against it. */
function mayBeAsked({ state, breaker }: BackendHealth): boolean {
  return (state === 'up' || state === 'unknown') && breaker !== 'open';
}

function writeStandings(out: Exposition, standings: readonly ReplicaStanding[]): void {
  const of = (value: (standing: ReplicaStanding) => number | null) => (each: ReplicaStanding) =>
    [[each.backend], value(each)] as const;
  writeSamples(
    out,
    POOL.inFlight,
    standings,
    of(({ inFlight }) => inFlight),
  );
  writeSamples(
    out,
    POOL.places,
    standings,
    of(({ places }) => places),
  );
  writeSamples(
    out,
    POOL.prefill,
    standings,
    of(({ prefillTokens }) => prefillTokens),
  );
  writeSamples(
    out,
    POOL.ttft,
    standings,
    of(({ ttftMs }) => toSeconds(ttftMs)),
  );
  writeSamples(
    out,
    POOL.failureRate,
    standings,
    of(({ failureRate }) => failureRate),
  );
}

/** What an autoscaler asks for: who waits, for how long, and how full the backends are. */
function writeLines(
  out: Exposition,
  { scheduler, models }: PoolSources,
  standings: readonly ReplicaStanding[],
): void {
  const lines = new Map(scheduler.lines().map((line) => [line.model, line]));
  const byBackend = new Map(standings.map((standing) => [standing.backend, standing]));
  let waiting = 0;
  for (const line of lines.values()) waiting += line.waiting;
  out.one(POOL.queueDepth, waiting);
  const known = models();
  writeSamples(out, POOL.modelQueue, known, ({ name }) => [[name], lines.get(name)?.waiting ?? 0]);
  writeSamples(out, POOL.modelOldest, known, ({ name }) => {
    return [[name], (lines.get(name)?.oldestMs ?? 0) / 1_000];
  });
  writeSamples(out, POOL.modelUtilisation, known, ({ name, backends }) => {
    return [[name], utilisationOf(backends.map((backend) => byBackend.get(backend)))];
  });
  const stats = scheduler.stats();
  out.one(POOL.asked, stats.asked);
  out.one(POOL.queued, stats.queued);
  out.one(POOL.full, stats.refusedFull);
  out.one(POOL.left, stats.left);
  out.one(POOL.prefixHits, stats.prefixHits);
  out.one(POOL.prefixEntries, stats.prefixEntries);
  out.one(POOL.sessions, stats.sessions);
}

function writeConnections(out: Exposition, all: readonly BackendConnections[]): void {
  writeSamples(out, POOL.reused, all, ({ backend, origin }) => [
    [backend],
    origin?.reusedRatio ?? null,
  ]);
  out.begin(POOL.connections);
  for (const { backend, origin } of all) {
    const idle = origin?.idle ?? 0;
    const of = (state: string) => renderLabels(POOL.connections.labels, [backend, state]);
    out.sample(of('idle'), idle);
    out.sample(of('busy'), (origin?.open ?? 0) - idle);
  }
  out.begin(POOL.connectionFailures);
  for (const { backend, origin } of all) {
    for (const [cause, count] of Object.entries(origin?.failures ?? {})) {
      if (count === 0) continue;
      out.sample(renderLabels(POOL.connectionFailures.labels, [backend, cause]), count);
    }
  }
}

function writeProcesses(out: Exposition, processes: PoolSources['processes']): void {
  const views = processes.views();
  const states = views.map(({ backend, state }) => [backend, state] as const);
  writeStates(out, POOL.processState, PROCESS_STATES, states);
  writeSamples(out, POOL.processStarts, views, (view) => [[view.backend], view.starts]);
  writeSamples(out, POOL.processCrashes, views, (view) => [[view.backend], view.crashes]);
  writeSamples(out, POOL.processEvictions, views, (view) => [[view.backend], view.evictions]);
  writeSamples(out, POOL.processLoad, views, (view) => [[view.backend], toSeconds(view.loadMs)]);
  writeSamples(out, POOL.processInUse, views, (view) => [[view.backend], view.inUse]);
  writeSamples(out, POOL.processWaiting, views, (view) => [[view.backend], view.waiting]);
}

function writeGpus(out: Exposition, gpus: readonly GpuSample[]): void {
  const of = (value: (gpu: GpuSample) => number | null) => (gpu: GpuSample) =>
    [[String(gpu.index)], value(gpu)] as const;
  writeSamples(out, POOL.gpu, gpus, (gpu) => [[String(gpu.index), gpu.name, gpu.uuid ?? ''], 1]);
  writeSamples(
    out,
    POOL.gpuUtilisation,
    gpus,
    of(({ utilisation: part }) => part),
  );
  writeSamples(
    out,
    POOL.gpuMemoryUsed,
    gpus,
    of(({ memoryUsedBytes }) => memoryUsedBytes),
  );
  writeSamples(
    out,
    POOL.gpuMemoryTotal,
    gpus,
    of(({ memoryTotalBytes }) => memoryTotalBytes),
  );
  writeSamples(
    out,
    POOL.gpuPower,
    gpus,
    of(({ powerW }) => powerW),
  );
  writeSamples(
    out,
    POOL.gpuPowerLimit,
    gpus,
    of(({ powerLimitW }) => powerLimitW),
  );
  writeSamples(
    out,
    POOL.gpuEnergy,
    gpus,
    of(({ energyJ }) => energyJ),
  );
  writeSamples(
    out,
    POOL.gpuTemperature,
    gpus,
    of(({ temperatureC }) => temperatureC),
  );
  out.begin(POOL.gpuClock);
  for (const { index, smClockMhz, memClockMhz } of gpus) {
    const labels = (clock: string) => renderLabels(POOL.gpuClock.labels, [String(index), clock]);
    if (smClockMhz !== null) out.sample(labels('sm'), smClockMhz * 1e6);
    if (memClockMhz !== null) out.sample(labels('memory'), memClockMhz * 1e6);
  }
  writeSamples(
    out,
    POOL.gpuProcesses,
    gpus,
    of(({ processes }) => processes?.length ?? null),
  );
}

function writeEnergy(out: Exposition, all: readonly BackendJoules[]): void {
  writeSamples(out, POOL.energy, all, ({ backend, joules }) => [[backend], joules]);
  writeSamples(out, POOL.energyPerToken, all, (each) => [[each.backend], each.joulesPer1kTokens]);
}

function toSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}
