import type { Balance } from './balance.ts';
import type { Target } from './model-table.ts';

/** A request that wants a place at one of several targets. */
export interface Job {
  /** Name of the model; its jobs wait in one line. */
  readonly model: string;
  /** Never empty. */
  readonly candidates: readonly Target[];
  readonly balance: Balance;
  /** Whom fairness counts it for: a key, user, team or tenant. */
  readonly subject: string;
  /** Share of the subject beside the others; 1 is usual. */
  readonly weight: number;
  /** Classes are served strictly in order, the lowest number first. */
  readonly priority: number;
  readonly inputTokens: number;
  /**
   * Chain of hashes over the prompt, each covering everything before it; the first is the oldest.
   * Empty when affinity does not matter.
   */
  readonly prefix: Uint32Array;
  /** Requests of one session go to one replica while it lasts; null when the caller names none. */
  readonly session: string | null;
}

/** Why this target was chosen; told by `explain`. */
export type ChoiceReason =
  | 'only'
  | 'round_robin'
  | 'weight'
  | 'least_busy'
  | 'latency'
  | 'cost'
  | 'prefix'
  | 'session'
  /** Affinity named a replica that is full. */
  | 'overflow';

/** A place at one replica, taken until `end`. */
export interface ReplicaLease {
  readonly target: Target;
  readonly reason: ChoiceReason;
  /** Milliseconds spent waiting for it. */
  readonly queuedMs: number;
  /** The first content of the answer has come: the prompt has been read. First call counts. */
  firstToken(nowMs: number): void;
  /** More output was produced; charged to the subject at once. */
  output(tokens: number): void;
  /** Gives the place back; the first call counts. `failed` weighs against the replica. */
  end(result: LeaseResult, nowMs: number): void;
}

export type LeaseResult = 'ok' | 'failed' | 'cancelled';

/** A job in line. */
export interface Waiting {
  /** Jobs of its line that come before it now, by the present counters. */
  position(): number;
  /** Leaves the line at once; `onLease` is not called after it. */
  leave(): void;
}

export type AskResult =
  | { readonly kind: 'lease'; readonly lease: ReplicaLease }
  | { readonly kind: 'waiting'; readonly waiting: Waiting }
  /** `unavailable`: no candidate accepts and none is coming. `full`: so many wait already. */
  | { readonly kind: 'refused'; readonly why: 'unavailable' | 'full' };

/** What `ask` would say now. */
export type Peek = {
  /** Tokens of the model's usual answer, a guess while none has been seen. */
  readonly usualOutputTokens: number;
} & (
  | { readonly kind: 'place'; readonly target: Target; readonly reason: ChoiceReason }
  /** `before`: jobs that wait at the same backends now, some of which may be served later. */
  | { readonly kind: 'line'; readonly before: number }
  | { readonly kind: 'refused'; readonly why: 'unavailable' | 'full' }
);

/** Affinity, load and fairness in one place: who gets which replica next. */
export interface Scheduler {
  /**
   * A place now, a place in line, or neither. `onLease` is called later, once, when a job in line
   * gets its place; `onUnavailable` instead when every candidate has gone meanwhile.
   */
  ask(job: Job, nowMs: number, line: LineEvents): AskResult;
  /** What `ask` would say, without asking: nothing is taken, charged, counted or remembered. */
  peek(job: Job, nowMs: number): Peek;
  /** Replicas have changed or time has passed: gives free places to those who wait. */
  pump(nowMs: number): void;
  /** Other limits after a reload; leases and lines stay. */
  replaceSettings(settings: SchedulerSettings): void;
  /** For metrics, `top` and `explain`. */
  views(nowMs: number): readonly ReplicaStanding[];
  /** Lines in which somebody waits; without a time as of the last that it was told. */
  lines(nowMs?: number): readonly LineStanding[];
  stats(): SchedulerStats;
}

export interface LineEvents {
  onLease(lease: ReplicaLease): void;
  onUnavailable(): void;
}

export interface SchedulerSettings {
  /** Jobs that may wait in all lines together. */
  readonly maxWaiting: number;
  /** Places that a model may have taken at once, on all its replicas; models not named have no limit. */
  readonly modelConcurrency: ReadonlyMap<string, number>;
  /** Jobs an engine may have in its own queue before no more are sent to it. */
  readonly engineQueue: number;
  /** Uncached prompt tokens in flight at one replica beyond which affinity gives way to load. */
  readonly stickyTokens: number;
}

/** One replica as the scheduler has it. */
export interface ReplicaStanding {
  readonly backend: string;
  readonly inFlight: number;
  /** Prompt tokens sent there that have no first token yet, less what its cache should hold. */
  readonly prefillTokens: number;
  /** Places it has now; null when it has no bound. */
  readonly places: number | null;
  /** Moving average; null until one was measured. */
  readonly ttftMs: number | null;
  /** Moving average of failures, 0 to 1. */
  readonly failureRate: number;
}

export interface LineStanding {
  readonly model: string;
  readonly waiting: number;
  readonly subjects: number;
  /** How long its oldest job has waited. */
  readonly oldestMs: number;
}

export interface SchedulerStats {
  readonly asked: number;
  readonly queued: number;
  readonly refusedFull: number;
  readonly left: number;
  /** Chosen because the replica should hold the prompt's beginning. */
  readonly prefixHits: number;
  readonly prefixEntries: number;
  readonly sessions: number;
}
