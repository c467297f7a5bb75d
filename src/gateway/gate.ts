import type { Clock } from '../core/clock.ts';
import type { RequestIds } from '../core/ids.ts';
import type { ContentMode } from '../core/key.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Log } from '../observe/log.ts';
import type { BudgetBook } from '../pricing/budgets.ts';
import type { GpuShares } from '../pricing/gpu-share.ts';
import type { ModelTable } from '../routing/model-table.ts';
import type { InFlight } from './in-flight.ts';
import type { ContentRecorder, FailedLogins, Journal, KeyLookup, Sender } from './ports.ts';
import type { RequestTags } from './request-tags.ts';

/**
 * What a reload replaces in one piece. A request keeps the generation in which its model was found,
 * so it is never sent by one configuration to a backend of another.
 */
export interface Generation {
  readonly number: number;
  readonly sender: Sender;
  /** Credentials sent to backends, longest first: no error text may hold them. */
  readonly secrets: readonly string[];
  /** Ids of the backends that are OpenAI itself. */
  readonly openAiBackends: ReadonlySet<string>;
  readonly unpricedModels: 'allow' | 'deny';
  readonly maxBodyBytes: number;
  /** Longest silence tolerated on the caller's side of a stream. */
  readonly idleMs: number;
  /** Longest life of a request. */
  readonly totalMs: number;
  /** What is kept of prompts and answers of keys that say nothing themselves. */
  readonly content: ContentMode;
  /** Whether requests are served while they cannot be recorded. */
  readonly onAuditFailure: 'refuse' | 'allow';
}

/** What the request path works with. One per process. */
export interface Gate {
  readonly clock: Clock;
  readonly requestIds: RequestIds;
  readonly log: Log;
  readonly keys: KeyLookup;
  readonly limiter: Limiter;
  readonly budgets: BudgetBook;
  readonly gpuShares: GpuShares;
  readonly journal: Journal;
  readonly content: ContentRecorder;
  readonly failedLogins: FailedLogins;
  readonly requestTags: RequestTags;
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
  /** Served although they could not be recorded before, because the operator allows it. */
  unrecorded: number;
}

export function createCounters(): GateCounters {
  return { requests: 0, unauthenticated: 0, clampedUsages: 0, unrecorded: 0 };
}
