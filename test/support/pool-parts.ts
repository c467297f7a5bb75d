import type { Clock } from '../../src/core/clock.ts';
import type { Timers } from '../../src/core/timers.ts';
import type { Gate, Generation } from '../../src/gateway/gate.ts';
import { GateLoad } from '../../src/gateway/gate-load.ts';
import { Hedges } from '../../src/gateway/hedge.ts';
import { StrangerLines } from '../../src/gateway/request-line.ts';
import { ShadowCopies } from '../../src/gateway/shadow.ts';
import { Stories } from '../../src/gateway/stories.ts';
import { UTC } from '../../src/pricing/zone.ts';
import type { Replica } from '../../src/routing/replica.ts';
import { createRetryBudget } from '../../src/routing/retry-budget.ts';
import { createScheduler } from '../../src/routing/scheduler.ts';
import { silentLog } from './silent-log.ts';

type PoolParts = Pick<
  Gate,
  | 'activity'
  | 'after'
  | 'engines'
  | 'health'
  | 'hedges'
  | 'load'
  | 'metrics'
  | 'random'
  | 'retryBudget'
  | 'scheduler'
  | 'shadows'
  | 'stories'
  | 'strangers'
  | 'tracer'
  | 'zone'
>;

interface PoolOptions {
  readonly clock: Clock;
  readonly after: Timers['after'];
  /** 0 to below 1. */
  readonly random: () => number;
  /** What is different about a backend; by default it takes whatever comes. */
  readonly replica?: (id: string) => Partial<Replica>;
  readonly maxWaiting?: number;
}

/** A pool of backends that are always well, for tests of what is around it. */
export function healthyPool(options: PoolOptions): PoolParts {
  const { after, random, maxWaiting = 1_000 } = options;
  const replica = (id: string): Replica => ({
    id,
    accepts: () => true,
    isComing: false,
    isLastResort: () => false,
    maxConcurrency: null,
    engineLoad: () => null,
    share: () => 1,
    ...options.replica?.(id),
  });
  return {
    after,
    random,
    scheduler: createScheduler({
      replicas: replica,
      random,
      settings: {
        maxWaiting,
        modelConcurrency: new Map(),
        engineQueue: 8,
        stickyTokens: 262_144,
      },
    }),
    health: {
      accepts: () => true,
      failingShare: () => 0,
      begin: () => {},
      answered: () => {},
      note: () => {},
    },
    retryBudget: createRetryBudget({ ratio: 0.2 }),
    engines: { isManaged: () => false, use: () => Promise.reject(new Error('nothing to start')) },
    metrics: { settled: () => {}, attempted: () => {} },
    activity: { finished: () => {} },
    load: new GateLoad(),
    hedges: new Hedges(),
    shadows: new ShadowCopies(),
    stories: new Stories(),
    strangers: new StrangerLines(silentLog(), () => {}),
    tracer: null,
    zone: UTC,
  };
}

/** The rules of a generation about its pool, as they are when nobody has written any. */
export const USUAL_POOL_RULES: Pick<Generation, 'backends' | 'overload' | 'queue' | 'retries'> = {
  backends: new Map(),
  retries: { attempts: 2, backoffMs: 100, maxWaitMs: 5_000, holdMs: 5_000, holdBytes: 65_536 },
  queue: {
    maxWaitMs: 30_000,
    fairBy: 'key',
    weights: new Map(),
    priorities: ['high', 'normal', 'low'],
    defaultPriority: 'normal',
    keepAliveMs: null,
  },
  overload: { bytesInFlight: 1e9, requestsInFlight: 20_000, lagMs: null, perAddress: null },
};
