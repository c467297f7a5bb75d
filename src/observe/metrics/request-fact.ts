import type { Endpoint } from '../../core/call.ts';
import type { ErrorCode } from '../../core/error.ts';
import type { OutcomeName } from '../../core/outcome.ts';
import type { Usage } from '../../core/usage.ts';

/** How one attempt at a backend ended; the words of a backend's health. */
export const ATTEMPT_OUTCOMES = [
  'ok',
  'failed',
  'busy',
  'warming',
  'refused',
  'cancelled',
] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** One settled request of a known caller. Only read while it is recorded, never kept. */
export interface SettledFact {
  readonly endpoint: Endpoint;
  /** As configured; empty when the request named none that exists. */
  readonly model: string;
  readonly outcome: OutcomeName;
  readonly code: ErrorCode | null;
  /** The one asked last. */
  readonly backend: string | null;
  readonly streamed: boolean;
  readonly durationMs: number;
  /** From arrival to the first of the answer; null when there was none. */
  readonly ttftMs: number | null;
  /** Decode time ÷ (output tokens − 1); null for answers that were not streamed. */
  readonly interTokenMs: number | null;
  /** Duration less time at backends and less queue. */
  readonly overheadMs: number;
  /** In line for a place; 0 when there was no line. */
  readonly queueMs: number;
  readonly usage: Usage;
  /** null: no price is known. */
  readonly costNanoUsd: number | null;
  readonly keyId: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  /** Backend time booked to it, in microseconds. */
  readonly gpuUs: number;
}

/** What else is known of an attempt that has ended. */
export interface AttemptTimes {
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly durationMs: number;
  /** From sending to the first token; null when there was none. */
  readonly ttftMs: number | null;
}
