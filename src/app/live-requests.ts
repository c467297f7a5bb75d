import type { Endpoint } from '../core/call.ts';
import type { Key } from '../core/key.ts';
import { NANO_PER_USD, nanoUsd, toUsdString } from '../core/money.ts';
import type { Story } from '../gateway/stories.ts';
import type { FinishedRequest, LiveAttempt, LiveRequest } from '../observe/live-document.ts';
import type { FinishedEntry } from './live-activity.ts';

/** A request in flight, as far as a screen shows it: an exchange of the gateway. */
export interface LiveExchange {
  readonly id: string;
  readonly startedAtMs: number;
  readonly startedMs: number;
  readonly route: { readonly endpoint: Endpoint };
  readonly caller: Key | undefined;
  readonly call:
    | {
        readonly shape: {
          readonly model: string;
          readonly stream: boolean;
          readonly inputTokens: number;
        };
      }
    | undefined;
  readonly model: { readonly name: string } | undefined;
  readonly admission: object | undefined;
  readonly hold: object | undefined;
  readonly attempts: readonly ExchangeAttempt[];
  readonly backend: string | null;
  readonly queueMs: number;
  readonly firstTokenMs: number | undefined;
  readonly outputTokensCounted: number;
  readonly isFinished: boolean;
}

interface ExchangeAttempt {
  readonly target: { readonly backend: string; readonly model: string };
  readonly lease: { readonly reason: string };
  readonly startedMs: number;
  readonly endedMs: number | undefined;
  readonly firstTokenMs: number | undefined;
  readonly code: string | null;
  readonly status: number | null;
}

/** How an unusual request went. */
export type RequestStory = Pick<Story, 'notes' | 'attempts'>;

/** Name of a key by its id; the id again when it is not known. */
export type KeyNames = (id: string) => string;

export function toLiveRequest(exchange: LiveExchange, nowMs: number): LiveRequest {
  const { id, startedMs, caller, call, model, firstTokenMs } = exchange;
  const stage = stageOf(exchange);
  const ageMs = round(nowMs - startedMs);
  return {
    id,
    started_at: toIso(exchange.startedAtMs),
    age_ms: ageMs,
    endpoint: exchange.route.endpoint,
    model: model?.name ?? call?.shape.model ?? '',
    backend: exchange.backend,
    key_id: caller?.id ?? '',
    key_name: caller?.name ?? '',
    user: caller?.user ?? null,
    team: caller?.team ?? null,
    stage,
    streamed: call?.shape.stream ?? false,
    queue_ms: round(exchange.queueMs),
    ttft_ms: firstTokenMs === undefined ? null : round(firstTokenMs - startedMs),
    input_tokens: call?.shape.inputTokens ?? 0,
    output_tokens: exchange.outputTokensCounted,
    attempts: exchange.attempts.map((attempt) => toLiveAttempt(attempt, startedMs)),
  };
}

/** The first stage that has not left anything behind. Waiting in line is told apart from routing. */
function stageOf(exchange: LiveExchange): string {
  const { caller, call, model, admission, hold, attempts, firstTokenMs, isFinished } = exchange;
  if (isFinished) return 'settle';
  if (firstTokenMs !== undefined) return 'meter';
  if (attempts.length > 0) return 'forward';
  if (hold !== undefined) return 'queue';
  if (admission !== undefined) return 'reserve';
  if (model !== undefined) return 'limit';
  if (call !== undefined) return 'authorize';
  return caller === undefined ? 'authenticate' : 'read';
}

function toLiveAttempt(attempt: ExchangeAttempt, requestStartedMs: number): LiveAttempt {
  const after = (atMs: number | undefined) =>
    atMs === undefined ? null : round(atMs - requestStartedMs);
  return {
    backend: attempt.target.backend,
    model: attempt.target.model,
    reason: attempt.lease.reason,
    start_ms: round(attempt.startedMs - requestStartedMs),
    end_ms: after(attempt.endedMs),
    first_token_ms: after(attempt.firstTokenMs),
    code: attempt.code,
    status: attempt.status,
  };
}

export function toFinishedRequest(
  { row, queueMs }: FinishedEntry,
  keyName: KeyNames,
  story: RequestStory | undefined,
): FinishedRequest {
  const { usage, price } = row;
  return {
    id: row.id,
    started_at: toIso(row.startedAtMs),
    endpoint: row.endpoint,
    model: row.model,
    backend: row.backend,
    key_id: row.keyId,
    key_name: keyName(row.keyId),
    user: row.user,
    team: row.team,
    outcome: row.outcome,
    code: row.code,
    status: row.status,
    streamed: row.streamed,
    duration_ms: Math.max(0, row.finishedAtMs - row.startedAtMs),
    queue_ms: round(queueMs),
    backend_ms: row.backendMs === null ? null : round(row.backendMs),
    ttft_ms: row.ttftMs === null ? null : round(row.ttftMs),
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    estimated: row.estimated,
    cost_usd: row.costNanoUsd === null ? null : toUsdString(row.costNanoUsd),
    price:
      price === null
        ? null
        : {
            input_per_million_usd: fromMicro(price.input),
            output_per_million_usd: fromMicro(price.output),
          },
    attempt_count: row.attempts,
    attempts: (story?.attempts ?? []).map((attempt) => ({
      backend: attempt.backend,
      model: attempt.model,
      reason: attempt.reason,
      start_ms: round(attempt.startMs),
      end_ms: round(attempt.endMs),
      first_token_ms: attempt.firstTokenMs === null ? null : round(attempt.firstTokenMs),
      code: attempt.code,
      status: attempt.status,
    })),
    notes: (story?.notes ?? []).map(({ atMs, text }) => ({ at_ms: round(atMs), text })),
  };
}

function fromMicro(microUsd: number): string {
  return toUsdString(nanoUsd(microUsd * (NANO_PER_USD / 1_000_000)));
}

/** Tenths of a millisecond: enough for a person, and shorter to send. */
export function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

export function toIso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
