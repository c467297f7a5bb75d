import type { EngineLoad, Replica } from '../../routing/replica.ts';
import type { Backend } from '../backend.ts';
import type { BreakerSettings } from './breaker.ts';

export const HEALTH_STATES = ['unknown', 'up', 'warming', 'down', 'stopped'] as const;
/** `stopped`: a process that llmgate starts when it is needed. */
export type HealthState = (typeof HEALTH_STATES)[number];

export const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/**
 * What one attempt says about its backend. `unreachable`: no connection could be made. `failed`: it
 * broke, timed out or answered 5xx. `busy`: 429, or 503 with the words of an overload. `warming`: it
 * is loading its model. `refused`: a fault of the request, which says that the backend is well.
 * `cancelled`: the caller left, which says nothing.
 */
export type AttemptVerdict =
  | 'ok'
  | 'failed'
  | 'unreachable'
  | 'busy'
  | 'warming'
  | 'refused'
  | 'cancelled';

/** A backend whose health is watched. */
export interface HealthSpec {
  readonly backend: Backend;
  readonly maxConcurrency: number | null;
  /** Path that says whether it is well; null when only requests show it. */
  readonly healthPath: string | null;
  /** Path of its metrics; null when they are not read. */
  readonly metricsPath: string | null;
  /** llmgate runs its process. */
  readonly isManaged: boolean;
}

export interface HealthSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Probes in a row that make a backend down, and up again. */
  readonly downAfter: number;
  readonly upAfter: number;
  readonly slowStartMs: number;
  readonly breaker: BreakerSettings;
  readonly loadIntervalMs: number;
}

/**
 * The health of all backends: probes, what attempts have shown, breakers, drains. Every `nowMs` is on
 * the monotonic clock. Calls for a backend that a reload took away do nothing.
 */
export interface HealthBoard {
  replica(id: string): Replica | undefined;
  /** Whether a request may be sent there now. False when there is no such backend. */
  accepts(id: string, nowMs: number): boolean;
  /** Part of the latest attempts there that failed, 0 to 1; 1 when it is not trusted at all. */
  failingShare(id: string, nowMs: number): number;
  /** An attempt begins. Behind a half-open breaker it is the trial, and no other is let through. */
  begin(id: string, nowMs: number): void;
  /** The attempt has got its first content. A trial need not wait for the end of a long answer. */
  answered(id: string, nowMs: number): void;
  /**
   * The attempt has ended. `retryAfterMs`: how long the backend asked to be left alone, already
   * capped.
   */
  note(id: string, verdict: AttemptVerdict, nowMs: number, retryAfterMs?: number): void;
  /** Takes no new requests, finishes those it has. False when there is no such backend. */
  drain(id: string): boolean;
  resume(id: string): boolean;
  /** In the order of the configuration. */
  views(nowMs: number): readonly HealthView[];
  /** What a reload says. All that is known of a backend stays while its id and address do. */
  replaceBackends(backends: readonly HealthSpec[], settings: HealthSettings): void;
  /** A process may have changed its state: seen at once instead of within a tenth of a second. */
  processesChanged(): void;
  close(): void;
}

export interface HealthView {
  readonly id: string;
  readonly state: HealthState;
  readonly isDrained: boolean;
  readonly breaker: BreakerState;
  /** Whether a request would be sent there now. */
  readonly accepts: boolean;
  /** Part of its usual share that it gets. */
  readonly share: number;
  /** How much longer it wants to be left alone; 0 when it does not. */
  readonly coolingMs: number;
  /** Why it is not up, in words for operators; null when it is. */
  readonly problem: string | null;
  /** Wall clock of the last probe or attempt that counted; null before one. */
  readonly checkedAtMs: number | null;
  readonly load: EngineLoad | null;
  readonly failures: number;
  readonly breakerOpened: number;
}
