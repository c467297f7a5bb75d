import type { Key, KeyLimits } from '../core/key.ts';
import { fromUsd } from '../core/money.ts';
import type { KeyChanges } from './key-schemas.ts';
import { OperationError } from './operation-error.ts';

const TAGS_MAX = 32;

const NO_LIMITS: KeyLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budget: null,
  tokenBudget: null,
  maxOutputTokens: null,
};

/** A key that may do everything, before the wishes of its maker are applied. */
export function createBlankKey(id: string, name: string, nowMs: number): Key {
  return {
    id,
    name,
    user: null,
    team: null,
    tenant: null,
    status: 'active',
    createdAtMs: nowMs,
    expiresAtMs: null,
    secrets: [],
    models: null,
    endpoints: null,
    limits: NO_LIMITS,
    tags: {},
    content: null,
  };
}

/** The key after a merge patch. Throws `invalid` for an expiry in the past or too many tags. */
export function applyChanges(key: Key, changes: KeyChanges, nowMs: number): Key {
  return {
    ...key,
    name: changes.name ?? key.name,
    user: pick(changes.user, key.user),
    team: pick(changes.team, key.team),
    tenant: pick(changes.tenant, key.tenant),
    expiresAtMs: pick(toExpiryMs(changes.expires_at, nowMs), key.expiresAtMs),
    models: pick(changes.models, key.models),
    endpoints: pick(changes.endpoints, key.endpoints),
    limits: mergeLimits(key.limits, changes),
    tags: mergeTags(key.tags, changes.tags),
    content: pick(changes.content, key.content),
  };
}

/** undefined keeps, null clears: the one rule of a merge patch. */
function pick<T>(change: T | null | undefined, current: T | null): T | null {
  return change === undefined ? current : change;
}

function toExpiryMs(text: string | null | undefined, nowMs: number): number | null | undefined {
  if (text === null || text === undefined) return text;
  const timeMs = Date.parse(text);
  if (timeMs > nowMs) return timeMs;
  throw new OperationError('invalid', `expires_at: ${text} is in the past`);
}

/** Budgets are fields of their own in a patch, so `limits: null` leaves them. */
function mergeLimits(current: KeyLimits, changes: KeyChanges): KeyLimits {
  const { budget, tokenBudget } = current;
  const base = changes.limits === null ? { ...NO_LIMITS, budget, tokenBudget } : current;
  const limits = changes.limits ?? {};
  return {
    requestsPerMinute: pick(limits.requests_per_minute, base.requestsPerMinute),
    tokensPerMinute: pick(limits.tokens_per_minute, base.tokensPerMinute),
    concurrency: pick(limits.concurrency, base.concurrency),
    maxOutputTokens: pick(limits.max_output_tokens, base.maxOutputTokens),
    budget: pick(toBudget(changes.budget), base.budget),
    tokenBudget: pick(toTokenBudget(changes.token_budget), base.tokenBudget),
  };
}

function toBudget(budget: KeyChanges['budget']): KeyLimits['budget'] | undefined {
  if (budget === null || budget === undefined) return budget;
  return { nanoUsd: fromUsd(Number(budget.limit_usd)), window: budget.window };
}

function toTokenBudget(budget: KeyChanges['token_budget']): KeyLimits['tokenBudget'] | undefined {
  if (budget === null || budget === undefined) return budget;
  return { tokens: budget.limit_tokens, window: budget.window };
}

function mergeTags(current: Key['tags'], changes: KeyChanges['tags']): Key['tags'] {
  if (changes === null) return {};
  const merged = new Map(Object.entries(current));
  for (const [name, value] of Object.entries(changes ?? {})) {
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  if (merged.size <= TAGS_MAX) return Object.fromEntries(merged);
  throw new OperationError('invalid', `tags: ${merged.size} tags, at most ${TAGS_MAX}`);
}
