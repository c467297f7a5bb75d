import type { Endpoint } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Price } from '../core/price.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import { amountDue } from '../pricing/amount-due.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import type { FinishedRow } from './rows.ts';
import type { Database } from './sqlite.ts';

interface LeftoverRow {
  readonly id: string;
  readonly key: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly tags: string | null;
  readonly model: string;
  readonly backend: string;
  readonly endpoint: Endpoint;
  readonly streamed: number;
  readonly started_at_ms: number;
  readonly input_tokens_estimate: number;
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly price_input: number | null;
  readonly price_cached_input: number;
  readonly price_output: number;
  readonly price_reasoning: number;
}

const SELECT_LEFTOVERS = `SELECT lower(hex(r.id)) AS id, k.name AS key, u.name AS user,
    t.name AS team, n.name AS tenant, s.tags AS tags, m.name AS model, b.name AS backend,
    e.name AS endpoint, r.streamed, r.started_at_ms, r.input_tokens_estimate,
    r.input_tokens, r.cached_input_tokens, r.output_tokens, r.reasoning_tokens,
    p.input AS price_input, p.cached_input AS price_cached_input, p.output AS price_output,
    p.reasoning AS price_reasoning
  FROM open_requests r
  LEFT JOIN names k ON k.id = r.key
  LEFT JOIN names u ON u.id = r.user
  LEFT JOIN names t ON t.id = r.team
  LEFT JOIN names n ON n.id = r.tenant
  LEFT JOIN tag_sets s ON s.id = r.tags
  LEFT JOIN names m ON m.id = r.model
  LEFT JOIN names b ON b.id = r.backend
  LEFT JOIN names e ON e.id = r.endpoint
  LEFT JOIN prices p ON p.id = r.price
  ORDER BY r.id`;

/**
 * Settles what the last process left open: it was cut off by a crash, so the last usage known is
 * owed, or else the estimated input. One transaction, so a crash in here repeats all or nothing.
 * Returns how many there were.
 */
export function settleLeftovers(db: Database, writer: LedgerWriter, clock: Clock): number {
  const leftovers = db.prepare<[], LeftoverRow>(SELECT_LEFTOVERS).all();
  if (leftovers.length === 0) return 0;
  const nowMs = clock.nowMs();
  writer.begin();
  try {
    for (const row of leftovers) writer.settle(toExpired(row, nowMs), []);
    writer.commit();
  } catch (cause) {
    writer.rollback();
    throw cause;
  }
  return leftovers.length;
}

function toExpired(row: LeftoverRow, nowMs: number): FinishedRow {
  const price = priceOf(row);
  const due = amountDue({ kind: 'expired', usage: usageOf(row), source: 'counted' }, price);
  return {
    id: row.id,
    keyId: row.key,
    user: row.user,
    team: row.team,
    tenant: row.tenant,
    tags: row.tags === null ? {} : JSON.parse(row.tags),
    endpoint: row.endpoint,
    model: row.model,
    streamed: row.streamed === 1,
    startedAtMs: row.started_at_ms,
    backend: row.backend,
    outcome: 'expired',
    code: 'internal',
    // The connection died with the process: the caller got no status.
    status: 0,
    finishedAtMs: Math.max(nowMs, row.started_at_ms),
    ttftMs: null,
    backendMs: null,
    usage: due.usage,
    usageSource: 'counted',
    estimated: due.estimated,
    costNanoUsd: due.costNanoUsd,
    price,
    attempts: 1,
  };
}

function usageOf(row: LeftoverRow): Usage {
  if (row.input_tokens === null) return { ...NO_USAGE, inputTokens: row.input_tokens_estimate };
  return {
    inputTokens: row.input_tokens,
    cachedInputTokens: row.cached_input_tokens,
    outputTokens: row.output_tokens,
    reasoningTokens: row.reasoning_tokens,
  };
}

function priceOf(row: LeftoverRow): Price | null {
  if (row.price_input === null) return null;
  return {
    input: row.price_input,
    cachedInput: row.price_cached_input,
    output: row.price_output,
    reasoning: row.price_reasoning,
  };
}
