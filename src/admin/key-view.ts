import type { Key, KeyLimits } from '../core/key.ts';
import { nanoUsd, toUsdString } from '../core/money.ts';
import type { KeyView } from './key-schemas.ts';

/** A key as its document. `expired` is not stored: it is what the time makes of an active key. */
export function toKeyView(key: Key, nowMs: number): KeyView {
  const { budget, tokenBudget } = key.limits;
  return {
    id: key.id,
    name: key.name,
    prefix: `sk-lg-${key.id}-`,
    status: stateOf(key, nowMs),
    created_at: toIso(key.createdAtMs),
    expires_at: toIsoOrNull(key.expiresAtMs),
    user: key.user,
    team: key.team,
    tenant: key.tenant,
    models: key.models === null ? null : [...key.models],
    endpoints: key.endpoints === null ? null : [...key.endpoints],
    limits: toLimitsView(key.limits),
    budget:
      budget === null
        ? null
        : { limit_usd: toUsdString(nanoUsd(budget.nanoUsd)), window: budget.window },
    token_budget:
      tokenBudget === null
        ? null
        : { limit_tokens: tokenBudget.tokens, window: tokenBudget.window },
    tags: { ...key.tags },
    content: key.content,
    secrets: key.secrets.map((secret) => ({
      created_at: toIso(secret.createdAtMs),
      expires_at: toIsoOrNull(secret.expiresAtMs),
    })),
  };
}

export function isExpired(key: Key, nowMs: number): boolean {
  return key.expiresAtMs !== null && key.expiresAtMs <= nowMs;
}

export function toIso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function stateOf(key: Key, nowMs: number): KeyView['status'] {
  return key.status === 'active' && isExpired(key, nowMs) ? 'expired' : key.status;
}

function toLimitsView(limits: KeyLimits): KeyView['limits'] {
  return {
    requests_per_minute: limits.requestsPerMinute,
    tokens_per_minute: limits.tokensPerMinute,
    concurrency: limits.concurrency,
    max_output_tokens: limits.maxOutputTokens,
  };
}

function toIsoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : toIso(timeMs);
}
