import type { EngineLoad, Replica } from '../../routing/replica.ts';

export const HEALTH_STATES = ['unknown', 'up', 'warming', 'down', 'stopped'] as const;
/** `stopped`: a process that llmgate starts when it is needed. */
export type HealthState = (typeof HEALTH_STATES)[number];

export const BREAKER_STATES = ['closed', 'open', 'half_open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/**
 * What one attempt says about its backend. `failed`: it could not be reached, broke, timed out or
 * answered 5xx. `busy`: 429, or 503 with the words of an overload. `warming`: it is loading its
 * model. `refused`: a fault of the request, which says that the backend is well. `cancelled`: the
 * caller left, which says nothing.
 */
export type AttemptVerdict = 'ok' | 'failed' | 'busy' | 'warming' | 'refused' | 'cancelled';

/** The health of all backends: probes, what attempts have shown, breakers, drains. */
export interface HealthBoard {
  replica(id: string): Replica | undefined;
  /** `retryAfterMs`: how long the backend asked to be left alone, already capped. */
  note(id: string, verdict: AttemptVerdict, nowMs: number, retryAfterMs?: number): void;
  /** Takes no new requests, finishes those it has. False when there is no such backend. */
  drain(id: string): boolean;
  resume(id: string): boolean;
  views(nowMs: number): readonly HealthView[];
  close(): void;
}

export interface HealthView {
  readonly id: string;
  readonly state: HealthState;
  readonly isDrained: boolean;
  readonly breaker: BreakerState;
  /** Why it is not up, in words for operators; null when it is. */
  readonly problem: string | null;
  /** Wall clock of the last probe or attempt that counted; null before one. */
  readonly checkedAtMs: number | null;
  readonly load: EngineLoad | null;
  readonly failures: number;
  readonly breakerOpened: number;
}
