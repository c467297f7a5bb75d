import type { Dialect } from '../core/call.ts';
import { type GateError, traitsOf } from '../core/error.ts';
import { renderErrorBody } from '../protocols/error-reply.ts';
import { errorWithoutSecrets } from './backend-words.ts';
import type { Exchange } from './exchange.ts';
import { type ReplyHeaderFields, replyHeaders } from './reply-headers.ts';

/**
 * Ends a request with an error before any answer was sent, in the caller's own protocol. Null when
 * the head of a stream has gone out meanwhile: then the error is its only frame.
 */
export async function refuse(exchange: Exchange, error: GateError): Promise<Response | null> {
  if (traitsOf(error.code).level === 'error') {
    exchange.gate.log.error('request_failed', {
      request_id: exchange.id,
      code: error.code,
      cause: error.cause,
    });
  }
  // Of two attempts one may go on after the other has ended the request.
  for (const each of exchange.attempts) if (each.isOpen) each.reply.discard();
  const { dialect, wire } = exchange.route;
  const told = errorWithoutSecrets(error, exchange.generation.secrets);
  if (exchange.replyHasBegun) {
    const frame = wire.renderErrorFrame(told, exchange.id);
    exchange.capture?.answer(frame);
    await exchange.fail(error);
    exchange.stream.end(frame);
    return null;
  }
  const body = renderErrorBody(dialect, told, exchange.id);
  // What the caller is told is kept with what it asked.
  exchange.capture?.answer(utf8.encode(body));
  await exchange.fail(error);
  const headers = replyHeaders(exchange);
  if (exchange.retriesAreSpent && isFinal(told)) headers['x-should-retry'] = 'false';
  return errorResponse(told, body, { id: exchange.id, headers });
}

/** A failure of a backend that waiting does not mend, as far as anybody has said. */
function isFinal({ code, retryAfterMs }: GateError): boolean {
  const { blame, retry, retryAfterSeconds } = traitsOf(code);
  const isAnyTime = retryAfterMs === undefined && retryAfterSeconds === undefined;
  return blame === 'backend' && retry === undefined && isAnyTime;
}

const utf8 = new TextEncoder();

interface Rendering {
  readonly dialect: Dialect;
  readonly id: string;
  readonly headers: ReplyHeaderFields;
}

/** An error reply of the data plane; also used where no exchange exists (unknown path, drain). */
export function renderError(error: GateError, { dialect, ...rendering }: Rendering): Response {
  return errorResponse(error, renderErrorBody(dialect, error, rendering.id), rendering);
}

function errorResponse(
  error: GateError,
  body: string,
  { id, headers }: Omit<Rendering, 'dialect'>,
): Response {
  const traits = traitsOf(error.code);
  headers['content-type'] = 'application/json';
  headers['x-request-id'] = id;
  headers['x-llmgate-error'] = error.code;
  if (traits.retry !== undefined) headers['x-should-retry'] = String(traits.retry);
  const waitMs = error.retryAfterMs ?? (traits.retryAfterSeconds ?? 0) * 1_000;
  if (waitMs > 0) {
    headers['retry-after'] = String(Math.ceil(waitMs / 1_000));
    headers['retry-after-ms'] = String(Math.ceil(waitMs));
  }
  if (traits.status === 401) headers['www-authenticate'] = 'Bearer';
  return new Response(body, { status: traits.status, headers });
}
