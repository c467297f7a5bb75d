import type { NanoUsd } from '../core/money.ts';
import { toUsdString } from '../core/money.ts';
import { rateHeaders } from '../limits/rate-headers.ts';
import type { Exchange } from './exchange.ts';

export type ReplyHeaderFields = Record<string, string>;

/** The headers every reply of the data plane carries, as far as the request has come. */
export function replyHeaders(exchange: Exchange): ReplyHeaderFields {
  const headers: ReplyHeaderFields = { 'x-request-id': exchange.id };
  if (exchange.model !== undefined) headers['x-llmgate-model'] = exchange.model.name;
  if (exchange.backend !== null) {
    headers['x-llmgate-backend'] = exchange.backend;
    headers['x-llmgate-attempts'] = String(exchange.attempts.length);
  }
  if (exchange.admission !== undefined) {
    for (const [name, value] of rateHeaders(exchange.admission.standing)) headers[name] = value;
  }
  headers['server-timing'] = serverTiming(exchange);
  return headers;
}

/** Money as a header of an answer whose cost is already known, that is, of a whole one. */
export function costHeader(headers: ReplyHeaderFields, cost: NanoUsd | null): void {
  if (cost !== null) headers['x-llmgate-cost-usd'] = toUsdString(cost);
}

/** W3C Server-Timing: our own share and the wait for backends, in milliseconds. */
function serverTiming(exchange: Exchange): string {
  const gateMs = Math.max(0, exchange.elapsedMs() - exchange.backendMs);
  return `gate;dur=${gateMs.toFixed(2)}, backend;dur=${exchange.backendMs.toFixed(2)}`;
}
