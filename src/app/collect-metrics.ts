import type { Clock } from '../core/clock.ts';
import type { GateCounters } from '../gateway/gate.ts';
import type { LimiterStats } from '../limits/limiter.ts';
import { type Exposition, renderLabels } from '../observe/metrics/exposition.ts';
import { GATEWAY_METRICS as GATEWAY } from '../observe/metrics/gateway-table.ts';
import type { RequestMetrics } from '../observe/metrics/request-metrics.ts';
import type { OtlpStats } from '../sinks/otlp-exporter.ts';
import type { PoolSources } from './metrics/pool-sources.ts';
import type { ProcessFigures } from './metrics/process-figures.ts';
import { writePool } from './metrics/write-pool.ts';
import { type RecordSources, writeRecords } from './metrics/write-records.ts';
import { writeSamples } from './metrics/write-samples.ts';

/** Everything that /metrics tells. What lives in one place already is asked there, not counted twice. */
export interface MetricSources {
  readonly clock: Clock;
  readonly requests: Pick<RequestMetrics, 'write'>;
  readonly pool: PoolSources;
  readonly records: RecordSources;
  readonly build: BuildFacts;
  readonly startedAtMs: number;
  readonly gateway: () => GatewayFigures;
  readonly limiter: () => LimiterStats;
  readonly process: () => ProcessFigures;
}

export interface BuildFacts {
  readonly version: string;
  /** null when run from source. */
  readonly commit: string | null;
  /** `bun 1.4.4`. */
  readonly runtime: string;
}

/** What the request path and the program around it count. */
export interface GatewayFigures {
  readonly inFlight: number;
  readonly bytesInFlight: number;
  readonly isDraining: boolean;
  readonly generation: number;
  readonly counters: GateCounters;
  readonly tagsLeftOut: number;
  readonly keys: number;
  /** How late the event loop last was. */
  readonly loopLagMs: number;
  readonly uncaught: number;
  readonly logLinesDropped: number;
  /** null when nothing is traced. */
  readonly traces: Pick<OtlpStats, 'exported' | 'dropped' | 'failures'> | null;
}

/** Writes one page. Takes about 2 ms with 100 models and 20 backends; `createMetricsPage` keeps it. */
export function collectMetrics(out: Exposition, sources: MetricSources): void {
  sources.requests.write(out);
  // Health and lines count on the monotonic clock, as the request path does.
  writePool(out, sources.pool, sources.clock.monotonicMs());
  writeRecords(out, sources.records, sources.clock.nowMs());
  const { version, commit, runtime } = sources.build;
  out.begin(GATEWAY.build);
  out.sample(renderLabels(GATEWAY.build.labels, [version, commit ?? '', runtime]), 1);
  out.one(GATEWAY.startTime, sources.startedAtMs / 1_000);
  writeGateway(out, sources.gateway());
  writeLimiter(out, sources.limiter());
  writeProcess(out, sources.process());
}

function writeGateway(out: Exposition, figures: GatewayFigures): void {
  const { counters } = figures;
  out.one(GATEWAY.inFlight, figures.inFlight);
  out.one(GATEWAY.bytesInFlight, figures.bytesInFlight);
  out.one(GATEWAY.draining, Number(figures.isDraining));
  out.one(GATEWAY.generation, figures.generation);
  out.one(GATEWAY.received, counters.requests);
  out.one(GATEWAY.unauthenticated, counters.unauthenticated);
  out.one(GATEWAY.overloaded, counters.overloaded);
  writeSamples(out, GATEWAY.policyPasses, [counters.unrecorded], (count) => [['audit'], count]);
  out.one(GATEWAY.clampedUsages, counters.clampedUsages);
  out.one(GATEWAY.tagsLeftOut, figures.tagsLeftOut);
  out.one(GATEWAY.retries, counters.retries);
  out.one(GATEWAY.retriesDenied, counters.retriesDenied);
  out.one(GATEWAY.hedges, counters.hedges);
  const shadows = [
    ['sent', counters.shadows] as const,
    ['skipped', counters.shadowsSkipped] as const,
  ];
  writeSamples(out, GATEWAY.shadows, shadows, ([result, count]) => [[result], count]);
  out.one(GATEWAY.keys, figures.keys);
  out.one(GATEWAY.loopLag, figures.loopLagMs / 1_000);
  out.one(GATEWAY.uncaught, figures.uncaught);
  out.one(GATEWAY.logLines, figures.logLinesDropped);
  const { exported, dropped, failures } = figures.traces ?? NOT_TRACED;
  const spans = [['exported', exported] as const, ['dropped', dropped] as const];
  writeSamples(out, GATEWAY.traceSpans, spans, ([result, count]) => [[result], count]);
  out.one(GATEWAY.traceFailures, failures);
}

const NOT_TRACED = { exported: 0, dropped: 0, failures: 0 };

function writeLimiter(out: Exposition, limiter: LimiterStats): void {
  out.one(GATEWAY.limiterAdmitted, limiter.admitted);
  out.one(GATEWAY.limiterRefused, limiter.refused);
  out.one(GATEWAY.limiterCounters, limiter.counters);
  out.one(GATEWAY.limiterEvicted, limiter.evicted);
}

function writeProcess(out: Exposition, figures: ProcessFigures): void {
  out.one(GATEWAY.memory, figures.memoryBytes);
  out.one(GATEWAY.cpu, figures.cpuSeconds);
  out.one(GATEWAY.openFiles, figures.openFiles);
  out.one(GATEWAY.maxFiles, figures.maxFiles);
  out.one(GATEWAY.diskFree, figures.diskFreeBytes);
  out.one(GATEWAY.diskSize, figures.diskSizeBytes);
}
