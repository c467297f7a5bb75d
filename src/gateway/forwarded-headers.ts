import { GateError } from '../core/error.ts';
import type { Exchange } from './exchange.ts';
import type { Call } from './read.ts';

/**
 * Headers of a caller that never reach a backend: its credentials, what describes its own
 * connection (RFC 9110 §7.6.1), what would impersonate a proxy, and what selects an account.
 */
const KEPT_BACK = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'forwarded',
  'via',
  'x-real-ip',
  'x-request-id',
  'openai-organization',
  'openai-project',
]);

/** The one control character that Bun lets pass in a value (RFC 9110 §5.5 does not). */
const DELETE = '\u007f';

/**
 * The headers a backend gets: the caller's own, less what is kept back, and our request id. A
 * `traceparent` of ours takes the place of the caller's. Throws 400 for a value that could not be
 * written.
 */
export function forwardedHeaders(
  exchange: Exchange,
  call: Call,
  traceparent: string | null,
): [string, string][] {
  // Bytes are counted, capped and scanned as they are; a compressed answer could not be.
  const headers: [string, string][] = [
    ['accept-encoding', 'identity'],
    ['x-request-id', exchange.id],
  ];
  if (call.contentType !== null) headers.push(['content-type', call.contentType]);
  if (traceparent !== null) headers.push(['traceparent', traceparent]);
  const named = connectionTokens(exchange.request.headers.get('connection'));
  exchange.request.headers.forEach((value, name) => {
    if (value.includes(DELETE)) {
      throw new GateError('invalid_request', `The header ${name} has a forbidden character.`);
    }
    if (KEPT_BACK.has(name) || named?.has(name)) return;
    if (traceparent !== null && isReplaced(name, exchange)) return;
    if (name.startsWith('x-llmgate-') || name.startsWith('x-forwarded-')) return;
    headers.push([name, value]);
  });
  return headers;
}

/** A `tracestate` is worth nothing beside a `traceparent` that could not be read. */
function isReplaced(name: string, { trace }: Exchange): boolean {
  return name === 'traceparent' || (name === 'tracestate' && trace?.parentId === null);
}

/** Header names that `Connection` declares hop-by-hop; undefined in the usual case of none. */
function connectionTokens(value: string | null): Set<string> | undefined {
  if (value === null || value === 'keep-alive' || value === 'close') return undefined;
  return new Set(value.split(',').map((token) => token.trim().toLowerCase()));
}
