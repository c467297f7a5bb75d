import type { Endpoint } from '../core/call.ts';
import type { ErrorCode } from '../core/error.ts';
import type { NanoUsd } from '../core/money.ts';
import type { OutcomeName } from '../core/outcome.ts';
import type { Price } from '../core/price.ts';
import type { Usage, UsageSource } from '../core/usage.ts';

/** Who and what a request is booked on: the same words in the open row and the finished one. */
export interface Booking {
  /** UUIDv7 text. */
  readonly id: string;
  readonly keyId: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly endpoint: Endpoint;
  /** The model as the configuration names it, aliases resolved. */
  readonly model: string;
  readonly streamed: boolean;
  readonly startedAtMs: number;
}

/** Written before a backend is asked; whatever is found at boot was cut off by a crash. */
export interface OpenRow extends Booking {
  /** The first target of the plan; what `expired` is booked on. */
  readonly backend: string;
  readonly inputTokensEstimate: number;
  readonly holdNanoUsd: NanoUsd;
  readonly price: Price | null;
}

/** One immutable row per request, whatever its end. */
export interface FinishedRow extends Booking {
  /** null when no backend was tried. */
  readonly backend: string | null;
  readonly outcome: OutcomeName;
  /** null when served. */
  readonly code: ErrorCode | null;
  /** HTTP status the caller got; 499 when the caller left before one. */
  readonly status: number;
  readonly finishedAtMs: number;
  readonly ttftMs: number | null;
  /** Time spent waiting for the backend, whole attempts summed. */
  readonly backendMs: number | null;
  readonly usage: Usage;
  readonly usageSource: UsageSource;
  /** True when the tokens, and so the money, are our own count. */
  readonly estimated: boolean;
  /** null when the model has no price. */
  readonly costNanoUsd: NanoUsd | null;
  readonly price: Price | null;
  readonly attempts: number;
  /** Microseconds of its backend's time, shared among the requests that ran at once; 0 when free. */
  readonly gpuUs: number;
  /** SHA-256 of a secret salt and the captured content, 32 bytes; null when nothing was captured. */
  readonly contentRef: Uint8Array | null;
}

/** One attempt on one backend; written when there was more than one, or the only one failed. */
export interface AttemptRow {
  /** 1 for the first. */
  readonly attempt: number;
  readonly backend: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** null when the attempt served the request. */
  readonly code: ErrorCode | null;
  /** HTTP status of the backend; null when it never answered. */
  readonly status: number | null;
}
