import type { HealthBoard, HealthView } from '../backends/health/health.ts';
import type { EngineProcesses, ProcessView } from '../backends/process/engine-processes.ts';
import type { Clock } from '../core/clock.ts';
import type { Key } from '../core/key.ts';
import { toUsdString } from '../core/money.ts';
import type { GpuSample } from '../gpu/gpu-sample.ts';
import type {
  LiveBackend,
  LiveCaller,
  LiveDocument,
  LiveGpu,
  LiveHistogram,
  LiveModel,
  LiveRequest,
} from '../observe/live-document.ts';
import { LIVE_ROWS_MAX, type LiveList } from '../observe/live-lists.ts';
import type { ModelReading } from '../observe/metrics/request-metrics.ts';
import type { LineStanding, ReplicaStanding, Scheduler } from '../routing/scheduling.ts';
import type { LiveActivity } from './live-activity.ts';
import { type CallerSources, findCallers } from './live-callers.ts';
import type { LiveLog } from './live-log.ts';
import {
  type LiveExchange,
  type RequestStory,
  round,
  toFinishedRequest,
  toIso,
  toLiveRequest,
} from './live-requests.ts';
import { pickFirst } from './pick-first.ts';
import type { Sequence } from './recent-ring.ts';

/** Where the live document comes from. Everything here is only read, and only when asked for. */
export interface LiveSources {
  readonly clock: Clock;
  /** Of the clock, when the gateway started. */
  readonly startedMs: number;
  /** Shared by `activity` and `log`. */
  readonly sequence: Sequence;
  readonly activity: LiveActivity;
  readonly log: LiveLog;
  gateway(): GatewayFacts;
  backends(): readonly BackendName[];
  /** Models that can be named and the backends that answer for them. */
  models(): readonly { readonly name: string; readonly targets: readonly Backed[] }[];
  readonly scheduler: Pick<Scheduler, 'views' | 'lines'>;
  readonly health: Pick<HealthBoard, 'views'>;
  readonly processes: Pick<EngineProcesses, 'views'>;
  readonly metrics: { models(): readonly ModelReading[] };
  inFlight(): readonly LiveExchange[];
  story(requestId: string): RequestStory | undefined;
  gpus(): readonly GpuSample[];
  readonly keys: { find(id: string): Key | undefined };
  readonly limiter: CallerSources['limiter'];
  readonly budgets: CallerSources['budgets'];
}

interface Backed {
  readonly backend: string;
}

interface BackendName {
  readonly id: string;
  readonly type: string;
  readonly url: string;
}

interface GatewayFacts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly generation: number;
  readonly listen: string;
  readonly draining: boolean;
  readonly unauthenticated: number;
}

/**
 * What the gateway is doing now. `since`: the `seq` of the document before; one that this gateway
 * never gave out is of another one, and counts as 0. Long lists that are not in `lists` cost nothing.
 */
export function liveDocument(
  sources: LiveSources,
  since: number,
  lists: readonly LiveList[],
): LiveDocument {
  const { clock, activity, log, sequence } = sources;
  const nowMs = clock.monotonicMs();
  activity.watch();
  const after = since > sequence.last ? 0 : since;
  const inFlight = sources.inFlight();
  const lines = sources.scheduler.lines();
  const readings = sources.metrics.models();
  const finished = activity.since(after, LIVE_ROWS_MAX);
  const logged = log.since(after, LIVE_ROWS_MAX);
  const keyName = (id: string) => sources.keys.find(id)?.name ?? id;
  const { unauthenticated, startedAtMs, ...facts } = sources.gateway();
  return {
    seq: sequence.last,
    at: toIso(clock.nowMs()),
    uptime_ms: round(nowMs - sources.startedMs),
    gateway: {
      ...facts,
      started_at: toIso(startedAtMs),
      in_flight: inFlight.length,
      queued: lines.reduce((sum, { waiting }) => sum + waiting, 0),
    },
    totals: {
      ...totalsWith(readings, inFlight),
      errors_by_code: activity.errorsByCode(),
      unauthenticated,
    },
    ttft: sumHistograms(readings.map(({ ttft }) => ttft)),
    itl: sumHistograms(readings.map(({ interToken }) => interToken)),
    models: toLiveModels(sources, readings, lines, inFlight),
    backends: toLiveBackends(sources, nowMs),
    callers: lists.includes('callers') ? callersOf(sources, inFlight) : null,
    gpus: sources.gpus().map((gpu) => toLiveGpu(gpu, sources.processes.views())),
    requests: lists.includes('requests') ? requestsOf(inFlight, nowMs) : null,
    finished: finished.items.map((entry) =>
      toFinishedRequest(entry, keyName, sources.story(entry.row.id)),
    ),
    finished_left_out: finished.leftOut,
    log: logged.lines,
    log_left_out: logged.leftOut,
  };
}

function callersOf(sources: LiveSources, inFlight: readonly LiveExchange[]): LiveCaller[] {
  return findCallers({
    ...sources,
    counts: sources.activity.callers(),
    inFlight: inFlight.map(({ caller }) => caller).filter((caller) => caller !== undefined),
  });
}

function requestsOf(inFlight: readonly LiveExchange[], nowMs: number): LiveRequest[] {
  const oldest = pickFirst(inFlight, LIVE_ROWS_MAX, (a, b) => a.startedMs < b.startedMs);
  return oldest.map((exchange) => toLiveRequest(exchange, nowMs));
}

interface Counts {
  readonly requests: number;
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
}

/** With what running streams have said so far, so that tokens a second are those of this second. */
function totalsWith(readings: readonly Counts[], inFlight: readonly LiveExchange[]) {
  const settled = totalsOf(readings);
  let running = 0;
  for (const { isFinished, outputTokensCounted } of inFlight) {
    if (!isFinished) running += outputTokensCounted;
  }
  return { ...settled, output_tokens: settled.output_tokens + running };
}

function totalsOf(readings: readonly Counts[]) {
  const sum = { requests: 0, errors: 0, input_tokens: 0, output_tokens: 0 };
  let costNanoUsd = 0n;
  for (const reading of readings) {
    sum.requests += reading.requests;
    sum.errors += reading.errors;
    sum.input_tokens += reading.inputTokens;
    sum.output_tokens += reading.outputTokens;
    costNanoUsd += BigInt(reading.costNanoUsd);
  }
  return { ...sum, cost_usd: toUsdString(costNanoUsd) };
}

type Reading = ModelReading['ttft'];

/** All of them have the same bounds. Seconds become milliseconds. */
function sumHistograms(readings: readonly Reading[]): LiveHistogram {
  const bounds = readings[0]?.bounds ?? [];
  const counts = new Array<number>(bounds.length + 1).fill(0);
  for (const reading of readings) {
    for (const [at, count] of reading.counts.entries()) counts[at] = (counts[at] ?? 0) + count;
  }
  return { bounds_ms: bounds.map((seconds) => Math.round(seconds * 1e6) / 1e3), counts };
}

function toLiveModels(
  sources: LiveSources,
  readings: readonly ModelReading[],
  lines: readonly LineStanding[],
  inFlight: readonly LiveExchange[],
): LiveModel[] {
  const targets = new Map(sources.models().map((model) => [model.name, model.targets]));
  const read = new Map(readings.map((reading) => [reading.model, reading]));
  const waiting = new Map(lines.map((line) => [line.model, line]));
  const counts = new Map<string, number>();
  for (const { model } of inFlight) {
    if (model !== undefined) counts.set(model.name, (counts.get(model.name) ?? 0) + 1);
  }
  // Those that did something first: there may be hundreds that never do.
  const names = new Set([...counts.keys(), ...read.keys(), ...targets.keys()]);
  return [...names].slice(0, LIVE_ROWS_MAX).map((name) => {
    const line = waiting.get(name);
    const reading = read.get(name);
    return {
      name,
      ...totalsOf(reading === undefined ? [] : [reading]),
      in_flight: counts.get(name) ?? 0,
      queued: line?.waiting ?? 0,
      oldest_wait_ms: round(line?.oldestMs ?? 0),
      targets: [...new Set((targets.get(name) ?? []).map(({ backend }) => backend))],
      ttft_counts: [...(reading?.ttft.counts ?? [])],
    };
  });
}

function toLiveBackends(sources: LiveSources, nowMs: number): LiveBackend[] {
  const standings = new Map(sources.scheduler.views(nowMs).map((view) => [view.backend, view]));
  const health = new Map(sources.health.views(nowMs).map((view) => [view.id, view]));
  const processes = new Map(sources.processes.views().map((view) => [view.backend, view]));
  return sources.backends().map(({ id, type, url }) => ({
    ...{ id, type, url },
    ...healthOf(health.get(id)),
    ...standingOf(standings.get(id)),
    process: toLiveProcess(processes.get(id)),
  }));
}

function healthOf(view: HealthView | undefined) {
  const checkedAtMs = view?.checkedAtMs ?? null;
  const load = view?.load ?? null;
  return {
    state: view?.state ?? 'unknown',
    drained: view?.isDrained ?? false,
    breaker: view?.breaker ?? 'closed',
    breaker_opened: view?.breakerOpened ?? 0,
    failures: view?.failures ?? 0,
    problem: view?.problem ?? null,
    checked_at: checkedAtMs === null ? null : toIso(checkedAtMs),
    engine:
      load === null ? null : { running: load.running, waiting: load.waiting, kv_used: load.kvUsed },
  };
}

function standingOf(view: ReplicaStanding | undefined) {
  const ttftMs = view?.ttftMs ?? null;
  return {
    in_flight: view?.inFlight ?? 0,
    places: view?.places ?? null,
    ttft_ms: ttftMs === null ? null : round(ttftMs),
    failure_rate: view?.failureRate ?? 0,
  };
}

function toLiveProcess(view: ProcessView | undefined): LiveBackend['process'] {
  if (view === undefined) return null;
  const { state, pid, group, gpus, inUse, waiting, startedAtMs, starts, crashes, problem } = view;
  return {
    ...{ state, pid, group, gpus: [...gpus], in_use: inUse, waiting },
    started_at: startedAtMs === null ? null : toIso(startedAtMs),
    ...{ starts, crashes, problem },
  };
}

function toLiveGpu(gpu: GpuSample, processes: readonly ProcessView[]): LiveGpu {
  const ours = new Map(processes.map(({ pid, backend }) => [pid, backend]));
  return {
    index: gpu.index,
    name: gpu.name,
    utilisation: gpu.utilisation,
    memory_used_bytes: gpu.memoryUsedBytes,
    memory_total_bytes: gpu.memoryTotalBytes,
    power_w: gpu.powerW,
    power_limit_w: gpu.powerLimitW,
    energy_j: gpu.energyJ,
    temperature_c: gpu.temperatureC,
    sm_clock_mhz: gpu.smClockMhz,
    memory_clock_mhz: gpu.memClockMhz,
    processes: (gpu.processes ?? []).map(({ pid, memoryBytes }) => ({
      pid,
      memory_bytes: memoryBytes,
      backend: ours.get(pid) ?? null,
    })),
  };
}
