import type { HealthBoard } from '../backends/health/health.ts';
import { type HealthSpec, openHealthBoard } from '../backends/health/open-health-board.ts';
import type { HttpClient } from '../backends/http1/client.ts';
import type { EngineProcesses } from '../backends/process/engine-processes.ts';
import type { EngineSettings } from '../backends/process/engine-settings.ts';
import { openEngineProcesses } from '../backends/process/open-engine-processes.ts';
import { createReadyProbe } from '../backends/process/ready-probe.ts';
import type { Capacity } from '../backends/process/room.ts';
import { spawnEngine } from '../backends/process/spawn-engine.ts';
import type { BackendConfig, Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { systemTimers } from '../core/timers.ts';
import type { Log } from '../observe/log.ts';
import { createRetryBudget, type RetryBudget } from '../routing/retry-budget.ts';
import { createScheduler } from '../routing/scheduler.ts';
import type { Scheduler, SchedulerSettings } from '../routing/scheduling.ts';
import type { BuiltGeneration } from './generation.ts';

/** The backends of a running gateway: how they are, who gets which, and those it runs itself. */
export interface Pool {
  readonly scheduler: Scheduler;
  readonly health: HealthBoard;
  readonly processes: EngineProcesses;
  readonly retryBudget: RetryBudget;
  /** What a reload says; what is known of unchanged backends stays. */
  replace(built: BuiltGeneration): void;
  close(): Promise<void>;
}

interface PoolOptions {
  readonly first: BuiltGeneration;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What models can be loaded into. */
  readonly capacity: () => Capacity;
}

/** Lines are looked at this often besides when something changes: breakers close with time. */
const PUMP_EVERY_MS = 100;

export function openPool(options: PoolOptions): Pool {
  const { first, client, clock, random, log, env, capacity } = options;
  const ofBackends = log.for('backends');
  const pump = () => scheduler.pump(clock.monotonicMs());
  const processes = openEngineProcesses({
    processes: toEngines(first.config),
    capacity,
    spawn: spawnEngine,
    probe: createReadyProbe(client),
    ...{ clock, env, log: log.for('process') },
    timers: systemTimers,
    limits: { maxWaiting: first.config.queue.maxWaiting },
    onChange: () => health.processesChanged(),
  });
  const health = openHealthBoard({
    ...{ client, clock, random },
    backends: toHealthSpecs(first),
    config: first.config.health,
    processState: (id) => processes.state(id),
    onChange: pump,
    onTransition: (now, before) => {
      const { id: backend, state, breaker, problem } = now;
      const level = state === 'up' && breaker === 'closed' ? 'info' : 'warn';
      ofBackends[level]('backend_health', {
        ...{ backend, state, was: before.state, breaker },
        drained: now.isDrained || undefined,
        problem: problem ?? undefined,
      });
    },
  });
  const scheduler = createScheduler({
    replicas: (id) => health.replica(id),
    settings: toSchedulerSettings(first.config),
    random,
  });
  const retryBudget = createRetryBudget({ ratio: first.config.retries.budget });
  const timer = setInterval(pump, PUMP_EVERY_MS);
  timer.unref();
  return {
    ...{ scheduler, health, processes, retryBudget },
    replace(built) {
      const { maxWaiting } = built.config.queue;
      processes.replaceProcesses(toEngines(built.config), { maxWaiting });
      health.replaceBackends(toHealthSpecs(built), built.config.health);
      scheduler.replaceSettings(toSchedulerSettings(built.config));
      retryBudget.replaceRatio(built.config.retries.budget);
      pump();
    },
    async close() {
      clearInterval(timer);
      health.close();
      await processes.stop();
    },
  };
}

function toEngines({ backends }: Config): EngineSettings[] {
  return backends.flatMap(({ id, url, process, apiKeys }): EngineSettings[] =>
    process === null
      ? []
      : [{ ...process, backend: id, url, secrets: [...apiKeys, ...process.secrets] }],
  );
}

function toHealthSpecs({ config, backends }: BuiltGeneration): HealthSpec[] {
  const written = new Map(config.backends.map((each): [string, BackendConfig] => [each.id, each]));
  return backends.flatMap((backend): HealthSpec[] => {
    const found = written.get(backend.id);
    if (found === undefined) return [];
    const { maxConcurrency, healthPath, metricsPath, process } = found;
    return [{ backend, maxConcurrency, healthPath, metricsPath, isManaged: process !== null }];
  });
}

function toSchedulerSettings({ queue, models }: Config): SchedulerSettings {
  return {
    maxWaiting: queue.maxWaiting,
    engineQueue: queue.engineQueue,
    stickyTokens: queue.stickyTokens,
    modelConcurrency: new Map(
      models.flatMap(({ name, maxConcurrency }) =>
        maxConcurrency === null ? [] : [[name, maxConcurrency] as const],
      ),
    ),
  };
}
