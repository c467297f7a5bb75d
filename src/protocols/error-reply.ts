import type { Dialect } from '../core/call.ts';
import { type GateError, traitsOf } from '../core/error.ts';

/** The body of an error reply, in the caller's protocol. */
export function renderErrorBody(dialect: Dialect, error: GateError, requestId: string): string {
  return JSON.stringify(
    dialect === 'anthropic' ? anthropicError(error, requestId) : { error: openAiError(error) },
  );
}

/** All four keys are always there; OpenAI's own schema requires them. */
export function openAiError(error: GateError): Record<string, string | null> {
  return {
    message: error.message,
    type: traitsOf(error.code).type,
    param: error.param ?? null,
    code: error.code,
  };
}

export function anthropicError(error: GateError, requestId: string): Record<string, unknown> {
  return {
    type: 'error',
    error: { type: anthropicType(traitsOf(error.code).status), message: error.message },
    request_id: requestId,
  };
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Anthropic's clients tell errors apart by this word; it follows the HTTP status. */
export function anthropicType(status: number): string {
  return ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
