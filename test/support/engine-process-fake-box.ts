import type { EngineSettings } from '../../src/backends/process/engine-settings.ts';
import { type Capacity, fitsBeside } from '../../src/backends/process/room.ts';
import type { EngineExit, SpawnEngine } from '../../src/backends/process/spawn-engine.ts';
import type { FakeTime } from './fake-time.ts';
import type { SeededRandom } from './seeded-random.ts';

interface FakeEngine {
  readonly settings: EngineSettings;
  readonly readyAtMs: number;
}

/** A box whose engines load, crash, hang and refuse to end, as a seed says. */
export interface FakeBox {
  readonly spawn: SpawnEngine;
  readonly probe: (url: string) => Promise<number | null>;
  /** Broken promises: two that do not fit, one stopped while it is in use. */
  readonly faults: string[];
  /** Requests that each process is answering, by its pid. */
  readonly inUse: Map<number, number>;
  alive(): number;
  crashes(): number;
}

interface FakeBoxOptions {
  readonly time: FakeTime;
  readonly random: SeededRandom;
  readonly capacity: Capacity;
  readonly processes: readonly EngineSettings[];
}

export function createFakeBox({ time, random, capacity, processes }: FakeBoxOptions): FakeBox {
  const alive = new Map<number, FakeEngine>();
  const faults: string[] = [];
  const inUse = new Map<number, number>();
  let pids = 0;
  let crashes = 0;
  const now = () => time.clock.monotonicMs();

  const spawn: SpawnEngine = ({ command: [backend = ''] }) => {
    const settings = processes.find((one) => one.backend === backend);
    if (settings === undefined) throw new Error(`nobody is ${backend}`);
    if (random.next() < 0.03) throw new Error('the machine has no more processes');
    const toFootprint = ({ backend: id, ...rest }: EngineSettings) => ({ id, ...rest });
    const others = Array.from(alive.values(), (one) => toFootprint(one.settings));
    if (!fitsBeside(toFootprint(settings), others, capacity))
      faults.push(`${backend} does not fit`);
    const pid = ++pids;
    const { promise: exited, resolve } = Promise.withResolvers<EngineExit>();
    const fate = random.next();
    alive.set(pid, { settings, readyAtMs: fate < 0.05 ? Infinity : now() + random.int(20_000) });
    if (fate > 0.85) {
      time.timers.after(random.int(120_000), () => {
        crashes += 1;
        resolve({ code: 1, signal: null });
      });
    }
    return {
      pid,
      exited,
      terminate() {
        // Those who were served just now say so a moment later.
        setImmediate(() => {
          if ((inUse.get(pid) ?? 0) > 0) faults.push(`${backend} was stopped while in use`);
        });
        const isDeaf = random.next() < 0.1;
        if (!isDeaf) time.timers.after(random.int(2_000), () => resolve({ code: 0, signal: null }));
      },
      async kill() {
        resolve({ code: null, signal: 'SIGKILL' });
        // Its workers take a moment longer.
        const { promise: gone, resolve: go } = Promise.withResolvers<void>();
        time.timers.after(random.int(500), go);
        await gone;
        alive.delete(pid);
      },
    };
  };
  return {
    spawn,
    async probe(url) {
      for (const { settings, readyAtMs } of alive.values()) {
        if (settings.url === url) return readyAtMs <= now() ? 200 : 503;
      }
      return null;
    },
    faults,
    inUse,
    alive: () => alive.size,
    crashes: () => crashes,
  };
}
