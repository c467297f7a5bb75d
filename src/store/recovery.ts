import type { Endpoint } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import { amountDue } from '../pricing/amount-due.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import { fromPriceText } from './price-text.ts';
import type { FinishedRow } from './rows.ts';
import type { Database } from './sqlite.ts';
import { fromUsageText } from './usage-columns.ts';

interface LeftoverRow {
  readonly id: string;
  /** `dimensions.words`. */
  readonly words: string;
  readonly streamed: number;
  readonly started_at_ms: number;
  readonly input_tokens_estimate: number;
  readonly usage: string | null;
  readonly price: string | null;
}

const SELECT_LEFTOVERS = `SELECT lower(hex(r.id)) AS id, d.words, r.streamed, r.started_at_ms,
    r.input_tokens_estimate, r.usage, p.price
  FROM open_requests r
  JOIN dimensions d ON d.id = r.dimension
  LEFT JOIN prices p ON p.id = r.price
  ORDER BY r.id`;

/**
 * Settles what the last process left open: it was cut off by a crash, so the last usage known is
 * owed, or else the estimated input; of its GPU time nothing is known. One transaction, so a crash
 * in here repeats all or nothing. Returns how many there were.
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

type Words = [
  key: string,
  user: string | null,
  team: string | null,
  tenant: string | null,
  tags: Record<string, string> | null,
  model: string | null,
  backend: string | null,
  endpoint: Endpoint,
];

function toExpired(row: LeftoverRow, nowMs: number): FinishedRow {
  const [keyId, user, team, tenant, tags, model, backend, endpoint]: Words = JSON.parse(row.words);
  const price = row.price === null ? null : fromPriceText(row.price);
  const due = amountDue({ kind: 'expired', usage: usageOf(row), source: 'counted' }, price, 0);
  return {
    id: row.id,
    keyId,
    user,
    team,
    tenant,
    tags: tags ?? {},
    endpoint,
    model: model ?? '',
    streamed: row.streamed === 1,
    startedAtMs: row.started_at_ms,
    backend,
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
    gpuUs: 0,
    contentRef: null,
  };
}

function usageOf(row: LeftoverRow): Usage {
  if (row.usage !== null) return fromUsageText(row.usage);
  return { ...NO_USAGE, inputTokens: row.input_tokens_estimate };
}
