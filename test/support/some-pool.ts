import type { Target } from '../../src/routing/model-table.ts';
import type { EngineLoad, Replica } from '../../src/routing/replica.ts';
import { createScheduler } from '../../src/routing/scheduler.ts';
import type {
  AskResult,
  Job,
  ReplicaLease,
  Scheduler,
  SchedulerSettings,
  Waiting,
} from '../../src/routing/scheduling.ts';

/** A replica whose state a test sets. */
export interface SomeReplica extends Replica {
  isUp: boolean;
  isComing: boolean;
  maxConcurrency: number | null;
  load: EngineLoad | null;
  part: number;
}

export interface SomePool {
  readonly scheduler: Scheduler;
  readonly replicas: Map<string, SomeReplica>;
  nowMs: number;
  /** What became of jobs in line, in order: `name@backend`, `name unavailable`. */
  readonly told: string[];
  replica(id: string): SomeReplica;
  /** A job, with what the test says of it. */
  ask(wish?: Partial<Job>, name?: string): AskResult;
  /** The place that a job gets at once; throws when it gets none. */
  place(wish?: Partial<Job>): ReplicaLease;
  /** The same for one that must wait; what it gets is written to `told` and `leases`. */
  wait(name: string, wish?: Partial<Job>): Waiting;
  readonly leases: Map<string, ReplicaLease>;
  /** Backends of so many places, none of which is given back. */
  places(count: number, wish?: Partial<Job>): readonly string[];
}

export const SOME_SETTINGS: SchedulerSettings = {
  maxWaiting: 100,
  modelConcurrency: new Map(),
  engineQueue: 4,
  stickyTokens: 10_000,
};

export function target(backend: string, more: Partial<Target> = {}): Target {
  return { backend, model: 'm', publicModel: 'm', price: null, weight: 1, ...more };
}

/** Backends `a`, `b`, … without bounds, and jobs for all of them. */
export function somePool(
  count: number,
  settings: Partial<SchedulerSettings> = {},
  random: () => number = () => 0,
): SomePool {
  const replicas = new Map<string, SomeReplica>();
  for (let index = 0; index < count; index += 1) {
    const id = String.fromCharCode(97 + index);
    replicas.set(id, someReplica(id));
  }
  const scheduler = createScheduler({
    replicas: (id) => replicas.get(id),
    settings: { ...SOME_SETTINGS, ...settings },
    random,
  });
  const usual: Job = {
    model: 'm',
    candidates: [...replicas.keys()].map((id) => target(id)),
    balance: 'least_busy',
    subject: 'key',
    weight: 1,
    priority: 1,
    inputTokens: 100,
    prefix: new Uint32Array(0),
    session: null,
  };
  const pool: SomePool = {
    scheduler,
    replicas,
    nowMs: 0,
    told: [],
    leases: new Map(),
    replica(id) {
      const found = replicas.get(id);
      if (found === undefined) throw new Error(`no replica ${id}`);
      return found;
    },
    ask(wish = {}, name = 'somebody') {
      return scheduler.ask({ ...usual, ...wish }, pool.nowMs, {
        onLease: (lease) => {
          pool.leases.set(name, lease);
          pool.told.push(`${name}@${lease.target.backend}`);
        },
        onUnavailable: () => pool.told.push(`${name} unavailable`),
      });
    },
    place(wish) {
      const asked = pool.ask(wish);
      if (asked.kind !== 'lease') throw new Error(`no place: ${asked.kind}`);
      return asked.lease;
    },
    wait(name, wish) {
      const asked = pool.ask(wish, name);
      if (asked.kind !== 'waiting') throw new Error(`does not wait: ${asked.kind}`);
      return asked.waiting;
    },
    places: (many, wish) => Array.from({ length: many }, () => pool.place(wish).target.backend),
  };
  return pool;
}

function someReplica(id: string): SomeReplica {
  const replica: SomeReplica = {
    id,
    isUp: true,
    isComing: false,
    isLastResort: () => false,
    maxConcurrency: null,
    load: null,
    part: 1,
    accepts: () => replica.isUp,
    engineLoad: () => replica.load,
    share: () => replica.part,
  };
  return replica;
}
