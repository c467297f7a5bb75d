import { type ErrorCode, GateError, traitsOf } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import { ZERO_USD } from '../core/money.ts';
import { type Outcome, outcomeName } from '../core/outcome.ts';
import type { AttemptOutcome } from '../observe/metrics/request-fact.ts';
import { type AmountDue, amountDue } from '../pricing/amount-due.ts';
import { saneUsage } from '../pricing/usage-sanity.ts';
import type { Model } from '../routing/model-table.ts';
import type { AttemptRow, Booking, FinishedRow } from '../store/rows.ts';
import type { Exchange } from './exchange.ts';
import type { Call } from './read.ts';
import { logRequest } from './request-line.ts';
import { trace } from './trace.ts';
import { usageBoundsOf } from './usage-bounds.ts';

/**
 * What was due? Called once, by `Exchange.finish`: gives back everything the request took, books
 * what it owes and writes its line. Resolves when the row is durable; never rejects.
 */
export function settle(exchange: Exchange, ending: Outcome, status: number): Promise<void> {
  const { gate, model, caller, call } = exchange;
  const outcome = believable(exchange, ending);
  const code: ErrorCode | null = 'code' in outcome ? outcome.code : null;
  const last = exchange.attempt;
  endAttempts(exchange, outcome, code);
  const gpuUs = last?.gpuLease?.end() ?? 0;
  const price = last === undefined ? (model?.price ?? null) : last.target.price;
  const due = amountDue(outcome, price, gpuUs);
  exchange.due = due;
  giveBack(exchange, outcome, due);
  gate.inFlight.remove(exchange);
  const spend = () => closeHold(exchange, outcome, due);
  if (caller === undefined) {
    // Nobody to book it on: a flood of bad keys must not fill the books.
    gate.counters.unauthenticated += 1;
    logRequest(exchange, { outcome, code, status });
    return Promise.resolve();
  }
  const row: FinishedRow = {
    ...bookingOf(exchange, caller, call, model),
    backend: exchange.backend,
    outcome: outcomeName(outcome),
    code,
    status,
    finishedAtMs: gate.clock.nowMs(),
    ttftMs: exchange.firstTokenMs === undefined ? null : exchange.firstTokenMs - exchange.startedMs,
    backendMs: exchange.attempts.length === 0 ? null : exchange.backendMs(),
    usage: due.usage,
    usageSource: 'source' in outcome ? outcome.source : 'none',
    estimated: due.estimated,
    costNanoUsd: due.costNanoUsd,
    price,
    attempts: exchange.attempts.length,
    gpuUs: outcome.kind === 'refused' ? 0 : gpuUs,
    contentRef: null,
  };
  measure(exchange, row, gpuUs);
  logRequest(exchange, { outcome, code, status, row });
  if (exchange.capture === undefined) {
    spend();
    return write(exchange, row);
  }
  // The row names the content, so the content goes first. The money goes with the row: what the
  // counters say is in the books, or on its way there.
  return exchange.capture.finish().then((contentRef) => {
    spend();
    return write(exchange, { ...row, contentRef });
  });
}

/** Rate tokens, the slot, memory: the one place where they are given back. */
function giveBack(exchange: Exchange, outcome: Outcome, due: AmountDue): void {
  const { admission, gate, bytesTaken, countedAddress } = exchange;
  gate.load.giveBytes(bytesTaken);
  if (countedAddress !== undefined) gate.load.leave(countedAddress);
  if (outcome.kind === 'refused') admission?.cancel();
  else admission?.settle(tokensOf(due));
}

/** The money that was set aside: what was due is spent, the rest is free again. */
function closeHold({ hold }: Exchange, outcome: Outcome, due: AmountDue): void {
  if (outcome.kind === 'refused') hold?.cancel();
  else hold?.settle({ nanoUsd: due.costNanoUsd ?? ZERO_USD, tokens: tokensOf(due) });
}

function tokensOf({ usage }: AmountDue): number {
  return usage.inputTokens + usage.outputTokens;
}

function write(exchange: Exchange, row: FinishedRow): Promise<void> {
  const { journal, log } = exchange.gate;
  return journal.settle(row, notableAttempts(exchange)).catch((cause) => {
    // A row the database refuses for what it is was reported by the ledger, and is not coming back.
    if (cause instanceof GateError && cause.code === 'internal') return;
    log.error('settlement_delayed', { request_id: exchange.id, cause });
  });
}

/** The answers of these attempts were being read until now; their end is the request's end. */
function endAttempts(exchange: Exchange, outcome: Outcome, code: ErrorCode | null): void {
  exchange.lease?.end('cancelled', exchange.gate.clock.monotonicMs());
  const verdict = verdictOf(outcome);
  for (const attempt of exchange.attempts) if (attempt.isOpen) attempt.end(verdict, code);
}

function verdictOf(outcome: Outcome): AttemptOutcome {
  if (outcome.kind === 'served') return 'ok';
  // What we ended ourselves, by a drain or for an operator, is no failure of a backend.
  const isItsFault = outcome.kind === 'cut' && traitsOf(outcome.code).blame === 'backend';
  return isItsFault ? 'failed' : 'cancelled';
}

/** What metrics and traces are told, and `explain` when there is something to tell. */
function measure(exchange: Exchange, row: FinishedRow, gpuUs: number): void {
  const { gate, attempts, queueMs, notes } = exchange;
  const durationMs = exchange.elapsedMs();
  const backendMs = row.backendMs ?? 0;
  const { usage, ttftMs } = row;
  const gaps = usage.outputTokens - 1;
  gate.metrics.settled({
    endpoint: row.endpoint,
    model: row.model,
    outcome: row.outcome,
    code: row.code,
    backend: row.backend,
    streamed: row.streamed,
    durationMs,
    ttftMs,
    interTokenMs: row.streamed && ttftMs !== null && gaps > 0 ? (durationMs - ttftMs) / gaps : null,
    overheadMs: Math.max(0, durationMs - backendMs - queueMs),
    queueMs,
    usage,
    costNanoUsd: row.costNanoUsd,
    keyId: row.keyId,
    user: row.user,
    team: row.team,
    tenant: row.tenant,
    gpuUs,
  });
  gate.activity.finished(row, queueMs);
  if (gate.tracer !== null) trace(gate.tracer, exchange, row);
  if (notes !== undefined || attempts.length > 1) gate.stories.keep(exchange);
}

/** The columns that the open row and the finished row share. */
export function bookingOf(
  exchange: Exchange,
  caller: Key,
  call: Call | undefined,
  model: Model | undefined,
): Booking {
  return {
    id: exchange.id,
    keyId: caller.id,
    user: caller.user,
    team: caller.team,
    tenant: caller.tenant,
    tags: exchange.tags,
    endpoint: exchange.route.endpoint,
    // A name nobody configured is the caller's text: kept out, or a caller could grow the rollups.
    model: model?.name ?? '',
    streamed: call?.shape.stream ?? false,
    startedAtMs: exchange.startedAtMs,
  };
}

/** The trivial case, one attempt that served, is told by the request's own row. */
function notableAttempts({ attempts }: Exchange): readonly AttemptRow[] {
  if (attempts.length === 0 || (attempts.length === 1 && attempts[0]?.code === null)) return NONE;
  return attempts.map(({ target, startedAtMs, startedMs, endedMs, code, status }, index) => ({
    attempt: index + 1,
    backend: target.backend,
    startedAtMs,
    durationMs: (endedMs ?? startedMs) - startedMs,
    code,
    status,
  }));
}

const NONE: readonly AttemptRow[] = [];

/** Clamps figures no request can have: a backend's numbers are untrusted. */
function believable(exchange: Exchange, outcome: Outcome): Outcome {
  if (outcome.kind === 'refused') return outcome;
  if (outcome.source !== 'reported' && outcome.source !== 'clamped') return outcome;
  const { usage, clamped } = saneUsage(outcome.usage, usageBoundsOf(exchange));
  if (outcome.source === 'reported' && !clamped) return outcome;
  exchange.gate.counters.clampedUsages += 1;
  exchange.gate.log.warn('usage_clamped', {
    request_id: exchange.id,
    backend: exchange.backend,
    reported: outcome.usage,
  });
  return { ...outcome, usage, source: 'clamped' };
}
