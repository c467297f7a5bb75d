import type { Key } from '../core/key.ts';
import { type NanoUsd, toUsdString } from '../core/money.ts';
import type { RateStanding } from '../limits/limiter.ts';
import { addRateHeaders } from '../limits/rate-headers.ts';
import type { Exchange } from './exchange.ts';

export type ReplyHeaderFields = Record<string, string>;

/** The headers every reply of the data plane carries, as far as the request has come. */
export function replyHeaders(exchange: Exchange): ReplyHeaderFields {
  const headers: ReplyHeaderFields = { 'x-request-id': exchange.id };
  const { backend, caller, attempt, model } = exchange;
  const answering = attempt?.target.publicModel ?? model?.name;
  if (answering !== undefined) headers['x-llmgate-model'] = toHeader(answering);
  if (backend !== null) {
    headers['x-llmgate-backend'] = backend;
    headers['x-llmgate-attempts'] = String(exchange.attempts.length);
  }
  const queueMs = Math.round(exchange.queueMs);
  if (queueMs > 0) headers['x-llmgate-queue-ms'] = String(queueMs);
  if (exchange.outputLimit !== null) {
    headers['x-llmgate-max-output-tokens'] = String(exchange.outputLimit);
  }
  if (caller !== undefined) addRateHeaders(headers, standingOf(exchange, caller));
  headers['server-timing'] = serverTiming(exchange);
  return headers;
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Backends name their models in any script; what no header can carry is percent-encoded UTF-8. */
function toHeader(name: string): string {
  return PRINTABLE_ASCII.test(name) ? name : encodeURI(name.toWellFormed());
}

/** How the limits stand after this request was charged, or as they are when it was refused. */
function standingOf(exchange: Exchange, key: Key): RateStanding {
  if (exchange.admission !== undefined) return exchange.admission.standing;
  const subject = { key, model: exchange.model?.name ?? '', endpoint: exchange.route.endpoint };
  return exchange.gate.limiter.standing(subject);
}

/** Money as a header of an answer whose cost is already known, that is, of a whole one. */
export function costHeader(headers: ReplyHeaderFields, cost: NanoUsd | null): void {
  if (cost !== null) headers['x-llmgate-cost-usd'] = toUsdString(cost);
}

/** W3C Server-Timing: our own share and the wait for backends, in milliseconds. */
function serverTiming(exchange: Exchange): string {
  const backendMs = exchange.backendMs();
  const { queueMs } = exchange;
  const gateMs = Math.max(0, exchange.elapsedMs() - backendMs - queueMs);
  const queued = queueMs > 0 ? ` queue;dur=${hundredths(queueMs)},` : '';
  return `gate;dur=${hundredths(gateMs)},${queued} backend;dur=${hundredths(backendMs)}`;
}

/** Two decimals at most; several times as fast as `toFixed`. */
function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
