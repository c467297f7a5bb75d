import type { Clock } from '../core/clock.ts';
import type { RequestIds } from '../core/ids.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Log } from '../observe/log.ts';
import type { BudgetBook } from '../pricing/budgets.ts';
import type { ModelTable } from '../routing/model-table.ts';
import type { InFlight } from './in-flight.ts';
import type { Journal, KeyLookup, Sender } from './ports.ts';

/**
 * What a reload replaces in one piece. A request keeps the generation in which its model was found,
 * so it is never sent by one configuration to a backend of another.
 */
export interface Generation {
  readonly number: number;
  readonly sender: Sender;
  /** Credentials sent to backends, longest first: no error text may hold them. */
  readonly secrets: readonly string[];
  readonly unpricedModels: 'allow' | 'deny';
  readonly maxBodyBytes: number;
  /** Longest silence tolerated on the caller's side of a stream. */
  readonly idleMs: number;
}

/** What the request path works with. One per process. */
export interface Gate {
  readonly clock: Clock;
  readonly requestIds: RequestIds;
  readonly log: Log;
  readonly keys: KeyLookup;
  readonly limiter: Limiter;
  readonly budgets: BudgetBook;
  readonly journal: Journal;
  readonly counters: GateCounters;
  readonly inFlight: InFlight;
  generation: Generation;
  models: ModelTable;
  /** False until every discovering backend was asked once. */
  discovered: boolean;
  draining: boolean;
}

/** Plain counters of what leaves no row in the books. */
export interface GateCounters {
  requests: number;
  /** Refused before the caller was known. */
  unauthenticated: number;
  /** Backend usage figures beyond belief that were clamped. */
  clampedUsages: number;
}

export function createCounters(): GateCounters {
  return { requests: 0, unauthenticated: 0, clampedUsages: 0 };
}
