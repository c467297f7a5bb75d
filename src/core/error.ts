/**
 * Every error a caller can get from llmgate, in one table. `docs/errors.md` is tested against it.
 *
 * `status` is the HTTP status, `type` the OpenAI error type, `retry` what `x-should-retry` says
 * (undefined leaves the decision to the client's own rules), `level` how it is logged.
 */
interface Traits {
  readonly status: number;
  readonly type:
    | 'invalid_request_error'
    | 'rate_limit_error'
    | 'insufficient_quota'
    | 'server_error';
  readonly blame: 'caller' | 'backend' | 'gateway';
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly retry?: boolean;
  /** Seconds put in `retry-after` when the thrower knows nothing better. */
  readonly retryAfterSeconds?: number;
  readonly meaning: string;
}

const refusal = { type: 'invalid_request_error', blame: 'caller', level: 'info' } as const;
const limited = { type: 'rate_limit_error', blame: 'caller', level: 'info', retry: true } as const;
const backend = { type: 'server_error', blame: 'backend', level: 'warn' } as const;
const gateway = { type: 'server_error', blame: 'gateway', level: 'warn' } as const;

export const ERRORS = {
  invalid_json: { ...refusal, status: 400, meaning: 'The body is not one JSON object.' },
  invalid_request: { ...refusal, status: 400, meaning: 'A field has a value that cannot be used.' },
  unsupported_field: {
    ...refusal,
    status: 400,
    meaning: 'A field that would choose the backend, such as api_base, is refused anywhere.',
  },
  context_length_exceeded: {
    ...refusal,
    status: 400,
    meaning: 'The input is longer than the context of the model.',
  },
  content_blocked: {
    ...refusal,
    status: 400,
    meaning: 'The backend refuses to answer what was asked.',
  },
  invalid_api_key: {
    ...refusal,
    status: 401,
    meaning: 'No key, a malformed key, an unknown key or a revoked key.',
  },
  key_expired: { ...refusal, status: 401, meaning: 'The key or this secret of it has expired.' },
  key_suspended: { ...refusal, status: 401, meaning: 'The key is suspended.' },
  endpoint_not_allowed: {
    ...refusal,
    status: 403,
    meaning: 'The key may not use this endpoint.',
  },
  model_not_found: {
    ...refusal,
    status: 404,
    meaning: 'The model does not exist, or the key may not see it.',
  },
  route_not_found: { ...refusal, status: 404, meaning: 'There is no such path.' },
  policy_denied: {
    ...refusal,
    status: 403,
    meaning: 'A rule of the operator refuses this request.',
  },
  method_not_allowed: {
    ...refusal,
    status: 405,
    meaning: 'The path exists, this method does not.',
  },
  request_too_large: { ...refusal, status: 413, meaning: 'The body is over `max_body`.' },
  unsupported_media_type: {
    ...refusal,
    status: 415,
    meaning: 'Content-Type or Content-Encoding of the body is not accepted here.',
  },
  rate_limit_exceeded: { ...limited, status: 429, meaning: 'A request or token rate is used up.' },
  concurrency_exceeded: {
    ...limited,
    status: 429,
    retryAfterSeconds: 1,
    meaning: 'Too many requests in flight for one of the limits that apply.',
  },
  queue_timeout: {
    ...limited,
    status: 429,
    retryAfterSeconds: 5,
    meaning: 'No backend of the model had room within `queue.max_wait`.',
  },
  insufficient_quota: {
    ...refusal,
    type: 'insufficient_quota',
    status: 429,
    retry: false,
    meaning: 'A budget cannot hold the dearest outcome of the request.',
  },
  caller_gone: {
    ...refusal,
    status: 499,
    level: 'debug',
    meaning: 'The caller left before the end. Ledger and logs only.',
  },
  backend_error: { ...backend, status: 502, meaning: 'The backend failed or refused us.' },
  backend_protocol_error: {
    ...backend,
    status: 502,
    meaning: 'The backend answered with something that is not its protocol.',
  },
  backend_stream_broken: {
    ...backend,
    status: 502,
    meaning: 'The backend stopped before the end of its answer.',
  },
  no_backend_available: {
    ...backend,
    status: 503,
    retryAfterSeconds: 2,
    meaning: 'No backend of the model could be reached.',
  },
  backend_loading: {
    ...backend,
    status: 503,
    level: 'info',
    retryAfterSeconds: 5,
    meaning: 'The backend is loading the model.',
  },
  overloaded: {
    ...gateway,
    status: 503,
    retryAfterSeconds: 1,
    meaning: 'The gateway is at one of its own bounds.',
  },
  draining: {
    ...gateway,
    status: 503,
    level: 'info',
    retryAfterSeconds: 2,
    meaning: 'The gateway is shutting down.',
  },
  cancelled: {
    ...gateway,
    status: 503,
    level: 'info',
    retry: false,
    meaning: 'An operator ended the request.',
  },
  store_unavailable: {
    ...gateway,
    status: 503,
    level: 'error',
    retryAfterSeconds: 5,
    meaning: 'The books cannot be written, so nothing that costs money is started.',
  },
  backend_timeout: {
    ...backend,
    status: 504,
    meaning: 'A deadline passed; the message says which.',
  },
  internal: { ...gateway, status: 500, level: 'error', meaning: 'A bug. Logged with its cause.' },
} as const satisfies Record<string, Traits>;

export type ErrorCode = keyof typeof ERRORS;

export interface GateErrorOptions extends ErrorOptions {
  /** The request field at fault, for OpenAI's `param`. */
  readonly param?: string;
  /** How long a caller should wait. Becomes `retry-after` and `retry-after-ms`. */
  readonly retryAfterMs?: number;
}

/** `message` reaches the caller. Backend bodies, SQL and key material go in `cause`. */
export class GateError extends Error {
  override readonly name = 'GateError';
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: GateErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The traits of an error, widened so that optional ones can be read. */
export function traitsOf(code: ErrorCode): Traits {
  return ERRORS[code];
}

/** Whatever was thrown, as a GateError. Unknown causes become `internal` and show nothing. */
export function toGateError(cause: unknown): GateError {
  if (cause instanceof GateError) return cause;
  return new GateError('internal', 'The gateway failed to handle this request.', { cause });
}
