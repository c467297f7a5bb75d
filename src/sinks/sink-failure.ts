export interface SinkFailureOptions extends ErrorOptions {
  /** How long the other side asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** `batch_too_large`: half of it may get through. `rejected`: this content, not this moment. */
  readonly kind?: 'unreachable' | 'rejected' | 'batch_too_large';
}

/** A write that is not known to have arrived. The message names no URL and no secret. */
export class SinkFailure extends Error {
  override readonly name = 'SinkFailure';
  readonly kind: 'unreachable' | 'rejected' | 'batch_too_large';
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: SinkFailureOptions = {}) {
    super(message, options);
    this.kind = options.kind ?? 'unreachable';
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whatever a socket or a disk threw, in a few words that hold no address. */
export function toSinkFailure(cause: unknown, doing: string): SinkFailure {
  if (cause instanceof SinkFailure) return cause;
  return new SinkFailure(`${doing} failed (${nameOf(cause)})`, { cause });
}

/** `ECONNRESET`; the codes of a DOMException are numbers, and its name says more. */
function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
}
