import type { Key } from '../core/key.ts';

/** A key as an event shows it: everything that can change, of its secrets only when they end. */
export interface AuditedKey {
  readonly [field: string]: unknown;
}

export function toAuditedKey(key: Key): AuditedKey {
  const { budget, tokenBudget, ...limits } = key.limits;
  return {
    name: key.name,
    user: key.user,
    team: key.team,
    tenant: key.tenant,
    status: key.status,
    expires_at: toIsoOrNull(key.expiresAtMs),
    models: key.models,
    endpoints: key.endpoints,
    requests_per_minute: limits.requestsPerMinute,
    tokens_per_minute: limits.tokensPerMinute,
    concurrency: limits.concurrency,
    budget: budget === null ? null : { nano_usd: budget.nanoUsd, window: budget.window },
    token_budget: tokenBudget,
    max_output_tokens: limits.maxOutputTokens,
    tags: key.tags,
    content: key.content,
    secrets: key.secrets.map(({ createdAtMs, expiresAtMs }) => ({
      created_at: toIsoOrNull(createdAtMs),
      expires_at: toIsoOrNull(expiresAtMs),
    })),
  };
}

/** What differs between two states of a key: the same fields of both, or nothing at all. */
export function toKeyDifference(
  before: Key,
  after: Key,
): { readonly before: AuditedKey; readonly after: AuditedKey } {
  const [old, now] = [toAuditedKey(before), toAuditedKey(after)];
  const changed = Object.keys(now).filter(
    (field) => JSON.stringify(old[field]) !== JSON.stringify(now[field]),
  );
  const pick = (of: AuditedKey) => Object.fromEntries(changed.map((field) => [field, of[field]]));
  return { before: pick(old), after: pick(now) };
}

function toIsoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}
