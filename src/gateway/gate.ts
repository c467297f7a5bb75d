import type { Clock } from '../core/clock.ts';
import type { RequestIds } from '../core/ids.ts';
import type { ContentMode } from '../core/key.ts';
import type { Timers } from '../core/timers.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Log } from '../observe/log.ts';
import type { Tracer } from '../observe/traces/tracer.ts';
import type { BudgetBook } from '../pricing/budgets.ts';
import type { GpuShares } from '../pricing/gpu-share.ts';
import type { Zone } from '../pricing/zone.ts';
import type { ModelTable } from '../routing/model-table.ts';
import type { Scheduler } from '../routing/scheduling.ts';
import type { GateLoad } from './gate-load.ts';
import type { Hedges } from './hedge.ts';
import type { InFlight } from './in-flight.ts';
import type {
  ContentRecorder,
  Engines,
  FailedLogins,
  HealthNotes,
  Journal,
  KeyLookup,
  RequestActivity,
  RequestMetrics,
  RetryBudget,
  Sender,
} from './ports.ts';
import type { StrangerLines } from './request-line.ts';
import type { RequestTags } from './request-tags.ts';
import type { ShadowCopies } from './shadow.ts';
import type { Stories } from './stories.ts';

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
  /** Longest life of a request. */
  readonly totalMs: number;
  /** What is known of each backend besides its address. */
  readonly backends: ReadonlyMap<string, BackendFacts>;
  readonly retries: RetryRules;
  readonly queue: QueueRules;
  readonly overload: OverloadBounds;
  /** What is kept of prompts and answers of keys that say nothing themselves. */
  readonly content: ContentMode;
  /** Whether requests are served while they cannot be recorded. */
  readonly onAuditFailure: 'refuse' | 'allow';
}

export interface BackendFacts {
  /** OpenAI itself. */
  readonly isOpenAi: boolean;
  readonly labels: readonly string[];
  /** Whether a request may be sent elsewhere although this backend may have worked on it. */
  readonly mayResend: boolean;
}

export interface RetryRules {
  /** Attempts that may have reached a backend, the first included. */
  readonly attempts: number;
  /** First wait before the same backend is asked again. */
  readonly backoffMs: number;
  /** Longest wait before another attempt. */
  readonly maxWaitMs: number;
  /** How long, and for how many bytes, a stream without content is held back. */
  readonly holdMs: number;
  readonly holdBytes: number;
}

export interface QueueRules {
  readonly maxWaitMs: number;
  readonly fairBy: 'key' | 'user' | 'team' | 'tenant';
  readonly weights: ReadonlyMap<string, number>;
  /** Classes in the order in which they are served. */
  readonly priorities: readonly string[];
  readonly defaultPriority: string;
  /** Silence after which a waiting stream gets a comment; null: none. */
  readonly keepAliveMs: number | null;
}

/** Beyond these the gateway answers 503 `overloaded`; null is no bound. */
export interface OverloadBounds {
  readonly bytesInFlight: number;
  readonly requestsInFlight: number;
  readonly lagMs: number | null;
  readonly perAddress: number | null;
}

/** What the request path works with. One per process. */
export interface Gate {
  readonly clock: Clock;
  readonly after: Timers['after'];
  /** Uniform in [0, 1): for splits, shadows and jitter, never for secrets. */
  readonly random: () => number;
  readonly requestIds: RequestIds;
  readonly log: Log;
  readonly keys: KeyLookup;
  readonly limiter: Limiter;
  readonly budgets: BudgetBook;
  readonly gpuShares: GpuShares;
  readonly scheduler: Scheduler;
  readonly health: HealthNotes;
  readonly retryBudget: RetryBudget;
  readonly engines: Engines;
  readonly metrics: RequestMetrics;
  readonly activity: RequestActivity;
  /** null: nothing is traced. */
  readonly tracer: Tracer | null;
  readonly load: GateLoad;
  readonly stories: Stories;
  readonly hedges: Hedges;
  readonly shadows: ShadowCopies;
  /** The zone whose calendar rules and budgets follow. */
  readonly zone: Zone;
  readonly journal: Journal;
  readonly content: ContentRecorder;
  readonly failedLogins: FailedLogins;
  readonly strangers: StrangerLines;
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
  /** Turned away because the gateway was at one of its bounds. */
  overloaded: number;
  /** Attempts beyond the first of a request. */
  retries: number;
  /** Retries that the retry budget did not allow. */
  retriesDenied: number;
  hedges: number;
  /** Copies for a shadow that were sent, and those that were not for want of room. */
  shadows: number;
  shadowsSkipped: number;
}

export function createCounters(): GateCounters {
  return {
    requests: 0,
    unauthenticated: 0,
    clampedUsages: 0,
    unrecorded: 0,
    overloaded: 0,
    retries: 0,
    retriesDenied: 0,
    hedges: 0,
    shadows: 0,
    shadowsSkipped: 0,
  };
}
