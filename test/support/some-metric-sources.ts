import type { MetricSources } from '../../src/app/collect-metrics.ts';
import type { BackendHealth } from '../../src/app/metrics/pool-sources.ts';
import { createCounters } from '../../src/gateway/gate.ts';
import { unknownGpu } from '../../src/gpu/gpu-sample.ts';
import {
  createRequestMetrics,
  type RequestMetrics,
} from '../../src/observe/metrics/request-metrics.ts';
import type { ReplicaStanding } from '../../src/routing/scheduling.ts';
import { createFakeClock } from './fake-clock.ts';

export interface FakeSources extends MetricSources {
  readonly requests: RequestMetrics;
}

/** A small pool of which every figure is there: nothing on the page is without a sample. */
export function someMetricSources(
  fields: Partial<Omit<MetricSources, 'requests'>> = {},
): FakeSources {
  const clock = createFakeClock();
  const requests = createRequestMetrics({
    ...{ names: 'genai', labels: [], maxLabelValues: 100 },
    providerOf: () => 'vllm',
  });
  return {
    clock,
    requests,
    pool: {
      scheduler: {
        views: () => [standing('gpu0', 3, 4), standing('gpu1', 1, 4), standing('cloud', 9, null)],
        lines: () => [{ model: 'small', waiting: 5, subjects: 2, oldestMs: 1_500 }],
        stats: () => ({
          ...{ asked: 100, queued: 20, refusedFull: 2, left: 1 },
          ...{ prefixHits: 40, prefixEntries: 300, sessions: 7 },
        }),
      },
      health: {
        views: () => [
          health('gpu0', { load: { running: 3, waiting: 1, kvUsed: 0.5 } }),
          health('gpu1', { state: 'down', breaker: 'open', breakerOpened: 2 }),
          health('cloud', { state: 'unknown' }),
        ],
      },
      processes: {
        views: () => [
          {
            ...{ backend: 'gpu1', state: 'failed', inUse: 0, waiting: 3 },
            ...{ starts: 4, crashes: 3, evictions: 1, loadMs: 9_000 },
          },
        ],
      },
      models: () => [
        { name: 'small', backends: ['gpu0', 'gpu1'] },
        { name: 'large', backends: ['gpu0', 'cloud'] },
      ],
      connections: () => [
        {
          backend: 'gpu0',
          origin: {
            ...{ open: 3, idle: 1, reusedRatio: 0.9 },
            failures: { ...NO_FAILURES, refused: 2 },
          },
        },
        { backend: 'cloud', origin: null },
      ],
      gpus: () => [
        {
          ...unknownGpu(0),
          ...{ uuid: 'GPU-1', name: 'H200', utilisation: 0.75, temperatureC: 61, powerW: 400 },
          ...{ powerLimitW: 700, energyJ: 1_000, energyFrom: 'counter', smClockMhz: 1_980 },
          ...{ memClockMhz: 3_201, memoryUsedBytes: 8e9, memoryTotalBytes: 141e9 },
          processes: [{ pid: 7, memoryBytes: null }],
        },
      ],
      energy: () => [{ backend: 'gpu0', joules: 900, joulesPer1kTokens: 12.5 }],
    },
    records: {
      ledger: () => ({
        ...{ commits: 50, rowsOpened: 100, rowsSettled: 98, queued: 1, unwritten: 2, dropped: 0 },
      }),
      budgets: () => ({
        ...{ purses: 9, holds: 2, heldNanoUsd: 1_500_000_000, heldTokens: 900, refused: 3 },
        ...{ overruns: 1, overrunNanoUsd: 250_000_000, overrunTokens: 0, alertsFailed: 0 },
      }),
      audit: () => ({ checkpoints: 6, failures: 1 }),
      content: () => ({
        ...{ kept: 11, lost: { room: 1, failed: 0, late: 0, unkeyed: 0 }, isFailing: false },
      }),
      exports: () => [
        {
          ...{ id: 'file:/trail', rows: 12, failures: 1, lagRows: 4 },
          failingSinceMs: clock.nowMs() - 30_000,
        },
      ],
      retention: () => ({
        ...{ rows: 5, runs: 2, lastRunAtMs: 1_700_000_000_000, failures: 0, isFailing: false },
        waitMs: 0,
      }),
      budgetAlerts: () => ({ delivered: 2, failed: 1, retried: 1, givenUp: 0 }),
      troubleAlerts: () => ({ delivered: 1, failed: 0, retried: 0, givenUp: 0 }),
    },
    build: { version: '1.2.3', commit: 'abc', runtime: 'bun 1.4.4' },
    startedAtMs: 1_700_000_000_500,
    gateway: () => ({
      ...{ inFlight: 13, bytesInFlight: 4_096, isDraining: false, generation: 2 },
      counters: { ...createCounters(), requests: 120, unauthenticated: 4, unrecorded: 1 },
      ...{ tagsLeftOut: 0, keys: 1_000, loopLagMs: 1.5, uncaught: 0, logLinesDropped: 0 },
      traces: { exported: 3, dropped: 2, failures: 1 },
    }),
    limiter: () => ({ counters: 5, evicted: 0, admitted: 110, refused: 6 }),
    process: () => ({
      ...{ memoryBytes: 9e7, cpuSeconds: 12.25, openFiles: 40, maxFiles: 1_024 },
      ...{ diskFreeBytes: 5e9, diskSizeBytes: 1e11 },
    }),
    ...fields,
  };
}

const NO_FAILURES = {
  ...{ refused: 0, dns: 0, connect_timeout: 0, tls: 0, reset: 0, closed: 0, protocol: 0 },
  ...{ first_byte_timeout: 0, idle_timeout: 0, total_timeout: 0, too_many_connections: 0 },
};

function standing(backend: string, inFlight: number, places: number | null): ReplicaStanding {
  return { backend, inFlight, prefillTokens: 800, places, ttftMs: 80, failureRate: 0.01 };
}

function health(id: string, fields: Partial<BackendHealth>): BackendHealth {
  return {
    ...{ id, state: 'up', accepts: true, isDrained: false, breaker: 'closed' },
    ...{ load: null, failures: 0, breakerOpened: 0 },
    ...fields,
  };
}
