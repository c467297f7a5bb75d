import type { Endpoint } from '../../core/call.ts';
import type { ErrorCode } from '../../core/error.ts';
import type { OutcomeName } from '../../core/outcome.ts';
import type { Usage } from '../../core/usage.ts';
import type { TraceContext } from './trace-context.ts';

/**
 * A settled request as its spans tell it; no secret and nothing of what was asked or answered.
 * Times without a unit's name beside them are milliseconds after it arrived.
 */
export interface TracedRequest {
  readonly context: TraceContext;
  readonly requestId: string;
  /** Wall clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  /** As configured; empty when the request named none that exists. */
  readonly model: string;
  readonly streamed: boolean;
  readonly maxOutputTokens: number | null;
  readonly outcome: OutcomeName;
  readonly code: ErrorCode | null;
  /** HTTP status the caller got. */
  readonly status: number;
  /** Our own fault or a backend's, not the caller's. */
  readonly isFailed: boolean;
  readonly keyId: string;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly queueMs: number;
  readonly ttftMs: number | null;
  readonly usage: Usage;
  /** null: no price is known. */
  readonly costNanoUsd: number | null;
  readonly notes: readonly { readonly atMs: number; readonly text: string }[];
  readonly attempts: readonly TracedAttempt[];
}

export interface TracedAttempt {
  /** The one that its backend was told; undefined when it was told none. */
  readonly spanId: string | undefined;
  readonly backend: string;
  /** Its name there. */
  readonly model: string;
  /** Why this backend was chosen. */
  readonly reason: string;
  readonly startMs: number;
  readonly endMs: number;
  /** After the request arrived, as the others; null when there was none. */
  readonly firstTokenMs: number | null;
  readonly code: ErrorCode | null;
  /** HTTP status of the backend; null when it never answered. */
  readonly status: number | null;
  /** Whose answer the caller got, or whose cost is booked. */
  readonly isServing: boolean;
}
