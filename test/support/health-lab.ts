import { createBackend } from '../../src/backends/backend.ts';
import type { HealthBoard, HealthSettings, HealthSpec } from '../../src/backends/health/health.ts';
import {
  type HealthBoardOptions,
  openHealthBoard,
} from '../../src/backends/health/open-health-board.ts';
import { type HttpClient, openHttpClient } from '../../src/backends/http1/client.ts';
import { startWatchdog } from '../../src/backends/watchdog.ts';
import { createFakeTime, type FakeTime } from './fake-time.ts';

export const LAB_SETTINGS: HealthSettings = {
  intervalMs: 5_000,
  timeoutMs: 2_000,
  downAfter: 3,
  upAfter: 2,
  slowStartMs: 10_000,
  breaker: { errorRate: 0.5, minAttempts: 10, windowMs: 10_000, openMs: 1_000 },
  loadIntervalMs: 1_000,
};

export interface HealthLab extends AsyncDisposable {
  readonly time: FakeTime;
  readonly client: HttpClient;
  /** What was told of backends: `gpu0 unknown/closed>up/closed`. */
  readonly transitions: readonly string[];
  readonly changes: number;
  /** Opens the board; call it once. Jitter is off: every random number is a half. */
  open(specs: readonly HealthSpec[], options?: Partial<HealthBoardOptions>): HealthBoard;
  nowMs(): number;
  /** Moves time on, and what waits for a deadline with it. */
  pass(durationMs: number): Promise<void>;
  /** Resolves when it is so; asked on every turn of the event loop, while time stands still. */
  until(isTrue: () => boolean): Promise<void>;
  /** The same while time goes on, by a hundred milliseconds a turn. */
  inTime(isTrue: () => boolean): Promise<void>;
}

/** A board over a client, both in a time that the test moves. */
export function openHealthLab(): HealthLab {
  const time = createFakeTime();
  const { clock } = time;
  const watchdog = startWatchdog(clock, 3_600_000);
  const client = openHttpClient({ watchdog, clock });
  const transitions: string[] = [];
  let changes = 0;
  let board: HealthBoard | undefined;
  const pass = async (durationMs: number) => {
    await time.advance(durationMs);
    watchdog.tick();
  };
  return {
    time,
    client,
    transitions,
    get changes() {
      return changes;
    },
    open(specs, options = {}) {
      board = openHealthBoard({
        ...{ client, clock, timers: time.timers, random: () => 0.5 },
        backends: specs,
        config: LAB_SETTINGS,
        onChange: () => {
          changes++;
        },
        onTransition: (now, before) => {
          const names = [before, now].map((view) => {
            const drained = view.isDrained ? '/drained' : '';
            return `${view.state}/${view.breaker}${drained}`;
          });
          transitions.push(`${now.id} ${names.join('>')}`);
        },
        ...options,
      });
      return board;
    },
    nowMs: () => clock.monotonicMs(),
    pass,
    async until(isTrue) {
      while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
    },
    async inTime(isTrue) {
      while (!isTrue()) await pass(100);
    },
    async [Symbol.asyncDispose]() {
      board?.close();
      client.close();
      watchdog.close();
    },
  };
}

/** A backend that is asked at `/health`, and not for its load, unless told otherwise. */
export function createHealthSpec(
  id: string,
  url: string,
  over: Partial<Omit<HealthSpec, 'backend'>> = {},
): HealthSpec {
  return {
    backend: createBackend({ id, type: 'vllm', url, apiKeys: [], headers: [], discover: false }),
    maxConcurrency: null,
    healthPath: '/health',
    metricsPath: null,
    isManaged: false,
    ...over,
  };
}
