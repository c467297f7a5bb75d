interface BackoffOptions {
  /** Attempts that were made at this backend: 1 before the first retry. */
  readonly attempt: number;
  readonly baseMs: number;
  /** Longest wait; a backend that asks for more is not waited for. */
  readonly maxMs: number;
  /** How long the backend asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** 0 to below 1. */
  readonly random: number;
}

/**
 * How long to wait before the same backend is asked again, or null when it asked for a longer wait
 * than `maxMs`. Exponential with full jitter: anything between nothing and the doubled base, so that
 * callers that failed together do not come back together. With a `Retry-After` the jitter comes on
 * top: the backend is never asked before the time that it named.
 */
export function backoffMs(options: BackoffOptions): number | null {
  const { attempt, baseMs, maxMs, retryAfterMs = 0, random } = options;
  if (retryAfterMs > maxMs) return null;
  const spreadMs = baseMs * 2 ** Math.min(Math.max(0, attempt - 1), 30);
  return retryAfterMs + random * Math.min(spreadMs, maxMs - retryAfterMs);
}
