import type { Clock } from '../core/clock.ts';
import { createRequestIds } from '../core/ids.ts';
import { systemTimers } from '../core/timers.ts';
import { createCounters, type Gate } from '../gateway/gate.ts';
import { GateLoad } from '../gateway/gate-load.ts';
import { Hedges } from '../gateway/hedge.ts';
import { InFlight } from '../gateway/in-flight.ts';
import { StrangerLines } from '../gateway/request-line.ts';
import { createRequestTags } from '../gateway/request-tags.ts';
import { ShadowCopies } from '../gateway/shadow.ts';
import { Stories } from '../gateway/stories.ts';
import { createLimiter } from '../limits/limiter.ts';
import type { Log } from '../observe/log.ts';
import { createGpuShares } from '../pricing/gpu-share.ts';
import { createZone } from '../pricing/zone.ts';
import { createModelTable } from '../routing/model-table.ts';
import { loadBudgets } from '../store/load-budgets.ts';
import type { BuiltGeneration } from './generation.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { Observatory } from './observatory.ts';
import type { Pool } from './pool.ts';
import type { Records } from './records.ts';

export interface GateParts {
  readonly records: Records;
  readonly keys: KeyDirectory;
  readonly pool: Pool;
  readonly observatory: Observatory;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** The gate of a starting gateway: counters derived from the books, models not known yet. */
export async function createGate(first: BuiltGeneration, parts: GateParts): Promise<Gate> {
  const { records, keys, pool, observatory, clock, log, random } = parts;
  const { store, content, keeper, copies } = records;
  const { limits, budgets: rules, timezone } = first.config;
  return {
    clock,
    after: systemTimers.after,
    random,
    requestIds: createRequestIds(clock),
    log,
    keys,
    limiter: createLimiter({ rules: limits, clock }),
    budgets: await loadBudgets({ store, clock, rules, timezone, onAlert: copies.nudgeAlerts }),
    gpuShares: createGpuShares(clock),
    scheduler: pool.scheduler,
    health: pool.health,
    retryBudget: pool.retryBudget,
    engines: pool.processes,
    metrics: observatory.metrics,
    activity: observatory.activity,
    tracer: observatory.traces?.tracer ?? null,
    load: new GateLoad(),
    hedges: new Hedges(),
    shadows: new ShadowCopies(),
    stories: new Stories(),
    zone: createZone(timezone),
    journal: store.ledger,
    content,
    failedLogins: keeper.failedLogins,
    strangers: new StrangerLines(log, systemTimers.after),
    requestTags: createRequestTags(),
    counters: createCounters(),
    inFlight: new InFlight(),
    generation: first.generation,
    // The first rebuild follows before anybody asks.
    models: createModelTable([], [], new Map()),
    discovered: false,
    draining: false,
  };
}
