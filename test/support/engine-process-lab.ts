import { join, resolve } from 'node:path';
import { openHttpClient } from '../../src/backends/http1/client.ts';
import type {
  EngineLimits,
  EngineProcesses,
  ProcessView,
} from '../../src/backends/process/engine-processes.ts';
import type { EngineSettings } from '../../src/backends/process/engine-settings.ts';
import { openEngineProcesses } from '../../src/backends/process/open-engine-processes.ts';
import { createReadyProbe } from '../../src/backends/process/ready-probe.ts';
import { spawnEngine } from '../../src/backends/process/spawn-engine.ts';
import { startWatchdog } from '../../src/backends/watchdog.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemTimers } from '../../src/core/timers.ts';
import { createLogBook } from './log-book.ts';
import { testDir } from './test-dir.ts';

const ENGINE = resolve(import.meta.dirname, 'engine-process-main.ts');
const NEVER = new AbortController().signal;

export interface EngineLab extends AsyncDisposable {
  readonly engines: EngineProcesses;
  readonly log: ReturnType<typeof createLogBook>;
  /** Every process that was started, also those that have ended. */
  readonly pids: number[];
  use(backend: string, maxWaitMs?: number): ReturnType<EngineProcesses['use']>;
  /** Lines that an engine wrote, as the log has them. */
  output(): string[];
  untilView(backend: string, wanted: (view: ProcessView) => boolean): Promise<ProcessView>;
  /** Resolves once the log has this event of this backend. */
  untilEvent(event: string, backend: string): Promise<Record<string, unknown>>;
}

/** Settings of an engine of the tests; `behaviours` are those of `engine-process-main.ts`. */
export function someEngine(
  backend: string,
  behaviours: readonly string[] = [],
  more: Partial<EngineSettings> = {},
): EngineSettings {
  const socket = join(testDir(), `${backend}.sock`);
  return {
    ...{
      backend,
      url: `unix:${socket}`,
      command: [process.execPath, ENGINE, socket, ...behaviours],
    },
    ...{ env: {}, cwd: null, readyPath: '/health', readyTimeoutMs: 10_000, stopTimeoutMs: 5_000 },
    ...{
      maxWaitMs: 60_000,
      idleTtlMs: null,
      minResidencyMs: 0,
      gpus: [0],
      memoryBytes: null,
      group: null,
    },
    ...{ preload: false, secrets: [], ...more },
  };
}

/** Real processes under a real fleet. All of them are gone when the test is over. */
export function openEngineLab(
  processes: readonly EngineSettings[],
  limits: Partial<EngineLimits> = {},
): EngineLab {
  const log = createLogBook();
  const pids: number[] = [];
  const watchdog = startWatchdog(systemClock, 20);
  const client = openHttpClient({ watchdog, clock: systemClock });
  const watchers = new Set<() => void>();
  const look = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const until = <T>(find: () => T | undefined) =>
    new Promise<T>((done) => {
      const watcher = () => {
        const found = find();
        if (found === undefined) return;
        watchers.delete(watcher);
        done(found);
      };
      watchers.add(watcher);
      watcher();
    });
  const engines = openEngineProcesses({
    processes,
    limits,
    capacity: () => ({ gpuBytes: new Map([[0, 80e9]]), machineBytes: 64e9 }),
    spawn(request) {
      const engine = spawnEngine(request);
      pids.push(engine.pid);
      return engine;
    },
    probe: createReadyProbe(client),
    clock: systemClock,
    timers: systemTimers,
    log: log.log,
    // A state has changed once what made it change has been logged.
    onChange: look,
    env: { ...process.env, OPENAI_API_KEY: 'sk-not-for-engines' },
  });
  const lines = () => log.text.split('\n').filter((line) => line !== '');
  const events = () => lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    engines,
    log,
    pids,
    use: (backend, maxWaitMs) =>
      engines.use(backend, NEVER, maxWaitMs === undefined ? {} : { maxWaitMs }),
    output: () =>
      events().flatMap(({ event, line }) => (event === 'engine_output' ? [String(line)] : [])),
    untilEvent: (event, backend) =>
      until(() => events().find((one) => one['event'] === event && one['backend'] === backend)),
    untilView: (backend, wanted) =>
      until(() => {
        const view = engines.views().find((one) => one.backend === backend);
        return view !== undefined && wanted(view) ? view : undefined;
      }),
    async [Symbol.asyncDispose]() {
      await engines.stop();
      client.close();
      watchdog.close();
    },
  };
}

/** Does it run? One that has ended and was not reaped yet does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const status = await Bun.file(`/proc/${pid}/status`).text();
    return !/^State:\s+[ZX]/m.test(status);
  } catch {
    return false;
  }
}
