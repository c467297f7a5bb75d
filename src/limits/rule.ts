import type { Endpoint } from '../core/call.ts';

/** What a limit counts separately: each key, each user, each model, each endpoint, or all together. */
export const LIMIT_SCOPES = ['key', 'user', 'model', 'endpoint', 'all'] as const;
export type LimitScope = (typeof LIMIT_SCOPES)[number];

/** `count` per `windowMs`, as a token bucket that holds at most `burst`. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
  readonly burst: number;
}

/** One limit of the configuration or of a key. Exactly one of the three measures is set. */
export interface LimitRule {
  readonly per: LimitScope;
  /** Only requests for models that match (`*` wildcard); null for every model. */
  readonly model: string | null;
  /** Only requests on this endpoint; null for every endpoint. */
  readonly endpoint: Endpoint | null;
  readonly requests: Rate | null;
  readonly tokens: Rate | null;
  readonly concurrent: number | null;
}
