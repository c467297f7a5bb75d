import type { Key, KeyLimits } from '../../src/core/key.ts';

const NO_LIMITS: KeyLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  budget: null,
  tokenBudget: null,
  maxOutputTokens: null,
};

/** A key that may do everything, but for what is said. */
export function someKey(
  said: Partial<Omit<Key, 'limits'>> & { readonly limits?: Partial<KeyLimits> } = {},
): Key {
  return {
    id: 'keyAkeyAkeyA',
    name: 'A',
    user: null,
    team: null,
    tenant: null,
    status: 'active',
    createdAtMs: 0,
    expiresAtMs: null,
    secrets: [],
    models: null,
    endpoints: null,
    tags: {},
    content: null,
    ...said,
    limits: { ...NO_LIMITS, ...said.limits },
  };
}
