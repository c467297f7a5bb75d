import { traitsOf } from '../core/error.ts';
import { renderTraceparent, type TraceContext } from '../observe/traces/trace-context.ts';
import type { TracedAttempt } from '../observe/traces/traced-request.ts';
import type { Tracer } from '../observe/traces/tracer.ts';
import type { FinishedRow } from '../store/rows.ts';
import type { Attempt } from './attempt.ts';
import type { Exchange } from './exchange.ts';

/**
 * What a backend is told of the trace: that a span of ours is the parent of its own. Null where the
 * request is not traced, and the caller's own words go on untouched. A copy for a shadow has no
 * span, so it stands under the request itself.
 */
export function traceparentFor(exchange: Exchange, attempt: Attempt | null): string | null {
  const { tracer } = exchange.gate;
  if (tracer === null) return null;
  const context = contextOf(exchange, tracer);
  if (!context.isSampled) return null;
  if (attempt === null) return renderTraceparent(context, context.spanId);
  attempt.spanId = tracer.newSpanId();
  return renderTraceparent(context, attempt.spanId);
}

/** Hands a settled request over when it is worth its spans. */
export function trace(tracer: Tracer, exchange: Exchange, row: FinishedRow): void {
  const context = contextOf(exchange, tracer);
  const durationMs = exchange.elapsedMs();
  const isFailed = row.code !== null && traitsOf(row.code).blame !== 'caller';
  if (!tracer.keeps(context, durationMs, isFailed)) return;
  const { route, call, queueMs, notes = NONE, attempt: booked } = exchange;
  tracer.ended({
    ...{ context, durationMs, isFailed, queueMs, notes },
    requestId: row.id,
    startedAtMs: row.startedAtMs,
    endpoint: row.endpoint,
    method: route.method,
    path: route.path,
    model: row.model,
    streamed: row.streamed,
    maxOutputTokens: call?.shape.maxOutputTokens ?? null,
    outcome: row.outcome,
    code: row.code,
    status: row.status,
    keyId: row.keyId,
    team: row.team,
    tenant: row.tenant,
    ttftMs: row.ttftMs,
    usage: row.usage,
    costNanoUsd: row.costNanoUsd,
    attempts: exchange.attempts.map((each) => toTraced(exchange, each, each === booked)),
  });
}

const NONE = [] as const;

function contextOf(exchange: Exchange, tracer: Tracer): TraceContext {
  const { headers } = exchange.request;
  exchange.trace ??= tracer.begin(
    exchange.id,
    headers.get('traceparent'),
    headers.get('tracestate'),
  );
  return exchange.trace;
}

function toTraced(exchange: Exchange, attempt: Attempt, isServing: boolean): TracedAttempt {
  const { startedMs } = exchange;
  const { target, lease, endedMs, firstTokenMs } = attempt;
  return {
    spanId: attempt.spanId,
    backend: target.backend,
    model: target.model,
    reason: lease.reason,
    startMs: attempt.startedMs - startedMs,
    endMs: (endedMs ?? attempt.startedMs) - startedMs,
    firstTokenMs: firstTokenMs === undefined ? null : firstTokenMs - startedMs,
    code: attempt.code,
    status: attempt.status,
    isServing,
  };
}
