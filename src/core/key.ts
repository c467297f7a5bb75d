import type { Endpoint } from './call.ts';

/** A budget on a key or from the configuration: so much money per calendar window. */
export const WINDOWS = ['hour', 'day', 'week', 'month', 'total'] as const;
export type Window = (typeof WINDOWS)[number];

export interface KeyLimits {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly concurrency: number | null;
  readonly budget: { readonly nanoUsd: number; readonly window: Window } | null;
  readonly tokenBudget: { readonly tokens: number; readonly window: Window } | null;
  /** The most output tokens one answer of this key may have. */
  readonly maxOutputTokens: number | null;
}

/** One live secret of a key. Only the digest is ever kept. */
export interface KeySecret {
  /** SHA-256 of the 32 secret characters. */
  readonly digest: Uint8Array;
  readonly createdAtMs: number;
  /** null while it does not expire by itself; set when a rotation leaves it an overlap. */
  readonly expiresAtMs: number | null;
}

/** What is kept of prompts and answers: nothing, with personal data masked, or all of it. */
export const CONTENT_MODES = ['off', 'redacted', 'full'] as const;
export type ContentMode = (typeof CONTENT_MODES)[number];

export type KeyStatus = 'active' | 'suspended' | 'revoked';

/** Who is asking: one API key and the owners it names. `id` is public and survives rotation. */
export interface Key {
  readonly id: string;
  readonly name: string;
  readonly user: string | null;
  readonly team: string | null;
  readonly tenant: string | null;
  readonly status: KeyStatus;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly secrets: readonly KeySecret[];
  /** Model name patterns (`*` wildcard). null allows every model. */
  readonly models: readonly string[] | null;
  /** null allows every endpoint. */
  readonly endpoints: readonly Endpoint[] | null;
  readonly limits: KeyLimits;
  readonly tags: Readonly<Record<string, string>>;
  /** null follows the configuration. */
  readonly content: ContentMode | null;
}
