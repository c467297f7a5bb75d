import { GateError } from '../core/error.ts';
import { readBackendError } from '../protocols/backend-error.ts';
import type { ReplyHead, SendFailure } from './ports.ts';

const DEADLINE_WORDS: Readonly<Record<string, string>> = {
  connect_timeout: 'to accept a connection',
  first_byte_timeout: 'to begin its answer',
  idle_timeout: 'to continue its answer',
  total_timeout: 'to finish its answer',
};

/** A failed connection as the caller is told of it. Addresses and causes stay in the log. */
export function failureToError(failure: SendFailure): GateError {
  const options = { cause: new Error(`${failure.cause} (${failure.stage}): ${failure.message}`) };
  if (failure.stage === 'nothing_sent') {
    return new GateError(
      'no_backend_available',
      'No backend of this model can be reached right now.',
      options,
    );
  }
  const awaited = DEADLINE_WORDS[failure.cause];
  if (awaited !== undefined) {
    return new GateError('backend_timeout', `The backend took too long ${awaited}.`, options);
  }
  if (failure.cause === 'protocol') {
    return new GateError(
      'backend_protocol_error',
      'The backend answered with something that is not HTTP.',
      options,
    );
  }
  if (failure.stage === 'broken_midway') return streamBroken(options);
  return new GateError('backend_error', 'The backend closed the connection unanswered.', options);
}

export function streamBroken(options: ErrorOptions = {}): GateError {
  return new GateError(
    'backend_stream_broken',
    'The backend stopped before the end of its answer.',
    options,
  );
}

/** A backend's `Retry-After` is honoured up to this. */
const RETRY_AFTER_MAX_MS = 600_000;

/**
 * What a backend's refusal means to our caller. Faults of the request are the caller's and keep
 * the backend's words; faults of the backend or of our credentials are told without its body.
 */
export function refusalToError(head: ReplyHead, body: Uint8Array, nowMs: number): GateError {
  const { status } = head;
  const said = readBackendError(body);
  const cause = new Error(`backend answered ${status}: ${said.message ?? 'without a message'}`);
  const retryAfterMs = parseRetryAfter(head.headers.get('retry-after'), nowMs);
  const options = {
    cause,
    ...(said.param === null ? {} : { param: said.param }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  if (status === 400 || status === 409 || status === 422) {
    const words = said.message ?? 'The backend refused the request as invalid.';
    if (isContextLength(said.code, words)) {
      return new GateError('context_length_exceeded', words, options);
    }
    if (isContentRefusal(said.code)) return new GateError('content_blocked', words, options);
    return new GateError('invalid_request', words, options);
  }
  switch (status) {
    case 404:
    case 405:
    case 501:
      return new GateError(
        'model_not_found',
        'The backend of this model does not offer the model or this endpoint.',
        options,
      );
    case 413:
      return new GateError(
        'request_too_large',
        'The request is too large for the backend.',
        options,
      );
    case 429:
      return new GateError(
        'rate_limit_exceeded',
        'The backend of this model is limiting its requests.',
        options,
      );
    case 503:
      return /loading/i.test(said.message ?? '')
        ? new GateError('backend_loading', 'The backend is loading the model.', options)
        : new GateError('no_backend_available', 'The backend is not available.', options);
    case 408:
    case 504:
      return new GateError('backend_timeout', 'The backend reported a timeout.', options);
    case 401:
    case 403:
      return new GateError('backend_error', 'The backend refused the gateway.', options);
  }
  if (status >= 500) return new GateError('backend_error', 'The backend failed.', options);
  return new GateError(
    'backend_protocol_error',
    `The backend answered with the unexpected status ${status}.`,
    options,
  );
}

/** OpenAI has a code for it; engines only say it (vLLM, SGLang, llama.cpp, TGI). */
function isContextLength(code: string | null, message: string): boolean {
  if (code === 'context_length_exceeded' || code === 'exceed_context_size_error') return true;
  return /maximum context length|context (size|length|window)|exceeds? .*context|max_model_len/i.test(
    message,
  );
}

/** OpenAI's and Azure's names for a prompt that they will not answer. */
function isContentRefusal(code: string | null): boolean {
  return (
    code === 'content_policy_violation' || code === 'content_filter' || code === 'content_blocked'
  );
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), capped; undefined when absurd. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  if (!Number.isFinite(waitMs) || waitMs < 0) return undefined;
  return Math.min(waitMs, RETRY_AFTER_MAX_MS);
}
