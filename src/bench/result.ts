import type { OriginStats } from '../backends/http1/client.ts';
import type { FaultCount } from './fault-counts.ts';
import type { GeneratorHealth } from './generator-watch.ts';
import type { Measurement, StopReason } from './measurement.ts';
import { type Figures, round, toCurve, toFigures, toRates } from './run-figures.ts';

/** What a run was asked to do. */
export interface RunAim {
  readonly name: string;
  readonly url: string;
  /** Infinity: as fast as they end. */
  readonly requestRate: number;
  readonly burstiness: number;
  readonly maxConcurrency: number | null;
}

/** One run in the result. `figures` stand beside the other fields when it is written. */
export interface RunResult {
  readonly name: string;
  readonly url: string;
  readonly request_rate: number | 'inf';
  readonly burstiness: number | 'inf';
  readonly max_concurrency: number | null;
  readonly stop_reason: StopReason;
  readonly figures: Figures;
  readonly errors: readonly FaultCount[];
  readonly connections: { readonly opened: number; readonly reused: number };
  readonly generator: GeneratorResult;
  readonly curves: {
    readonly ttft_ms: readonly (readonly [number, number])[];
    readonly itl_ms: readonly (readonly [number, number])[];
    readonly e2el_ms: readonly (readonly [number, number])[];
  };
  readonly series: SeriesResult;
}

export interface GeneratorResult {
  /** Of one core; it has only one. */
  readonly cpu_share: number;
  readonly cpu_seconds: number;
  readonly cpu_us_per_request: number | null;
  readonly rss_bytes: number;
  readonly p99_loop_lag_ms: number | null;
  readonly p99_send_lag_ms: number | null;
  readonly max_send_lag_ms: number | null;
  readonly is_bottleneck: boolean;
  readonly reasons: readonly string[];
}

/** One number for each `width_s` seconds. */
export interface SeriesResult {
  readonly width_s: number;
  readonly sent: readonly number[];
  readonly completed: readonly number[];
  readonly failed: readonly number[];
  readonly chunks: readonly number[];
  readonly in_flight_max: readonly number[];
  readonly mean_ttft_ms: readonly (number | null)[];
  readonly mean_e2el_ms: readonly (number | null)[];
}

export interface RunContext {
  readonly percentiles: readonly number[];
  readonly hasObjectives: boolean;
  readonly generator: GeneratorHealth;
  /** Of the connections that this run used. */
  readonly connections: Pick<OriginStats, 'openedTotal' | 'reusedTotal'>;
}

export function toRunResult(aim: RunAim, run: Measurement, context: RunContext): RunResult {
  const { histograms } = run;
  return {
    name: aim.name,
    url: aim.url,
    request_rate: finiteOrInf(round(aim.requestRate)),
    burstiness: finiteOrInf(aim.burstiness),
    max_concurrency: aim.maxConcurrency,
    stop_reason: run.stopReason,
    figures: { ...toRates(run, context.hasObjectives), ...toFigures(run, context.percentiles) },
    errors: run.faults.list(),
    connections: {
      opened: context.connections.openedTotal,
      reused: context.connections.reusedTotal,
    },
    generator: toGenerator(context.generator, run.sent),
    curves: {
      ttft_ms: toCurve(histograms.ttft),
      itl_ms: toCurve(histograms.itl),
      e2el_ms: toCurve(histograms.e2el),
    },
    series: toSeries(run),
  };
}

function toGenerator(health: GeneratorHealth, sent: number): GeneratorResult {
  const { cpuShare, cpuSeconds, rssBytes, loopLag, sendLag, limits } = health;
  return {
    cpu_share: round(cpuShare),
    cpu_seconds: round(cpuSeconds),
    cpu_us_per_request: sent === 0 ? null : round((cpuSeconds * 1e6) / sent, 1),
    rss_bytes: rssBytes,
    p99_loop_lag_ms: round(loopLag.percentile(99, true)),
    p99_send_lag_ms: round(sendLag.percentile(99, true)),
    max_send_lag_ms: round(sendLag.max),
    is_bottleneck: limits.length > 0,
    reasons: limits,
  };
}

function toSeries({ series }: Measurement): SeriesResult {
  const { points, widthS } = series;
  const mean = (sumMs: number, count: number) => (count === 0 ? null : round(sumMs / count));
  return {
    width_s: widthS,
    sent: points.map((point) => point.sent),
    completed: points.map((point) => point.completed),
    failed: points.map((point) => point.failed),
    chunks: points.map((point) => point.pieces),
    in_flight_max: points.map((point) => point.inFlightMax),
    mean_ttft_ms: points.map((point) => mean(point.ttftSumMs, point.ttftCount)),
    mean_e2el_ms: points.map((point) => mean(point.e2elSumMs, point.e2elCount)),
  };
}

/** JSON has no infinity. */
function finiteOrInf(value: number): number | 'inf' {
  return Number.isFinite(value) ? value : 'inf';
}
