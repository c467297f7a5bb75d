import type { Replacement } from './injection.ts';
import { createContextRefusal, Refusal } from './refusal.ts';

/** The reply that a fault puts in place of the answer. */
export function createReplacement(fault: Exclude<Replacement, { kind: 'raw' }>): Refusal {
  switch (fault.kind) {
    case 'status':
      return new Refusal(fault.status, toBody(fault.status, fault.body), {
        contentType: typeof fault.body === 'string' ? 'text/plain' : 'application/json',
        headers: fault.headers,
        isVerbatim: fault.body !== undefined,
      });
    case 'rate_limit':
      return new Refusal(
        429,
        openAiError('Rate limit reached.', 'requests', 'rate_limit_exceeded'),
        {
          headers: { 'retry-after': String(fault.retry_after) },
        },
      );
    case 'server_error':
      return new Refusal(500, openAiError('Internal server error.', 'server_error', null));
    case 'loading': // llama.cpp while it reads the model's weights.
      return new Refusal(503, {
        error: { code: 503, message: 'Loading model', type: 'unavailable_error' },
      });
    case 'context_length':
      return createContextRefusal(4096, 5000);
    case 'unauthorized':
      return createUnauthorized();
    case 'html':
      return new Refusal(200, '<!doctype html><title>Welcome</title><h1>It works!</h1>\n', {
        contentType: 'text/html; charset=utf-8',
      });
    case 'no_content':
      return new Refusal(204, '', { contentType: null });
    case 'redirect':
      return new Refusal(301, '', { contentType: null, headers: { location: fault.location } });
  }
}

export function createUnauthorized(): Refusal {
  return new Refusal(
    401,
    openAiError('Incorrect API key provided.', 'invalid_request_error', 'invalid_api_key'),
  );
}

export function createFailure(status: number): Refusal {
  return new Refusal(status, openAiError('Simulated failure.', 'server_error', null));
}

function toBody(status: number, body: unknown): string | object {
  if (typeof body === 'string') return body;
  if (typeof body === 'object' && body !== null) return body;
  return openAiError(`Simulated status ${status}.`, 'server_error', null);
}

function openAiError(message: string, type: string, code: string | null): object {
  return { error: { message, type, param: null, code } };
}
