import { InvalidArgumentError } from 'commander';
import type { KeyChanges } from '../admin/key-schemas.ts';
import { BadValue } from '../config/bad-value.ts';
import { findNearest } from '../config/did-you-mean.ts';
import { parseDuration } from '../config/units.ts';
import { ENDPOINTS, type Endpoint, isEndpoint } from '../core/call.ts';
import { CONTENT_MODES, type ContentMode, type Window } from '../core/key.ts';
import { parseTokensPerWindow, parseUsdPerWindow } from './per-window.ts';

export const KEY_ARGUMENT = 'id or name of the key';

/** What a flag of `keys create` and `keys update` may say instead of a value: no restriction. */
const NONE = 'none';
type OrNone<T> = T | typeof NONE;

/** The flags of a key as commander leaves them: absent, `none`, or parsed. */
export interface KeyFlags {
  readonly user?: string;
  readonly team?: string;
  readonly tenant?: string;
  readonly models?: OrNone<string[]>;
  readonly endpoints?: OrNone<Endpoint[]>;
  readonly expires?: OrNone<Expiry>;
  readonly rpm?: OrNone<number>;
  readonly tpm?: OrNone<number>;
  readonly concurrency?: OrNone<number>;
  readonly maxOutputTokens?: OrNone<number>;
  readonly budget?: OrNone<Budget>;
  readonly tokenBudget?: OrNone<TokenBudget>;
  readonly tag?: OrNone<TagChanges>;
  readonly content?: OrNone<ContentMode>;
}

type Expiry = { readonly inMs: number } | { readonly atMs: number };
type Budget = { readonly limit_usd: string; readonly window: Window };
type TokenBudget = { readonly limit_tokens: number; readonly window: Window };
type TagChanges = Record<string, string | null>;

/** The merge patch that the flags mean. A flag that was not given changes nothing. */
export function toKeyChanges(flags: KeyFlags, nowMs: number): KeyChanges {
  return {
    user: orNull(flags.user),
    team: orNull(flags.team),
    tenant: orNull(flags.tenant),
    models: orNull(flags.models),
    endpoints: orNull(flags.endpoints),
    expires_at: toExpiresAt(orNull(flags.expires), nowMs),
    limits: {
      requests_per_minute: orNull(flags.rpm),
      tokens_per_minute: orNull(flags.tpm),
      concurrency: orNull(flags.concurrency),
      max_output_tokens: orNull(flags.maxOutputTokens),
    },
    budget: orNull(flags.budget),
    token_budget: orNull(flags.tokenBudget),
    tags: orNull(flags.tag),
    content: orNull(flags.content),
  };
}

function orNull<T>(value: T | typeof NONE | undefined): T | null | undefined {
  return value === NONE ? null : value;
}

export function parseModels(text: string): OrNone<string[]> {
  return parseList(text);
}

export function parseEndpoints(text: string): OrNone<Endpoint[]> {
  const names = parseList(text);
  return names === NONE ? NONE : names.map(parseEndpoint);
}

export function parseCount(text: string): OrNone<number> {
  if (text === NONE) return NONE;
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (count >= 1) return count;
  throw new InvalidArgumentError('Write a whole number from 1, or "none".');
}

/** `90d` from now, a day (its start, UTC), a moment, or `none`. */
export function parseExpiry(text: string): OrNone<Expiry> {
  if (text === NONE || text === 'never') return NONE;
  const atMs = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(atMs)) return { atMs };
  try {
    return { inMs: parseDuration(text) };
  } catch (cause) {
    if (!(cause instanceof BadValue)) throw cause;
    throw new InvalidArgumentError(
      'Write how long from now (90d, 24h), a day (2027-01-31), or "none".',
    );
  }
}

/** `25/month`: dollars, a slash, a calendar window. */
export function parseBudget(text: string): OrNone<Budget> {
  if (text === NONE) return NONE;
  const { amount, window } = parseUsdPerWindow(text);
  return { limit_usd: amount, window };
}

/** `1000000/day`: tokens, a slash, a calendar window. */
export function parseTokenBudget(text: string): OrNone<TokenBudget> {
  if (text === NONE) return NONE;
  const { amount, window } = parseTokensPerWindow(text);
  return { limit_tokens: amount, window };
}

export function parseContentMode(text: string): OrNone<ContentMode> {
  const mode = text === NONE ? NONE : CONTENT_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(
    `Write ${CONTENT_MODES.join(', ')}, or "none" for what the configuration says.`,
  );
}

/** Repeatable `k=v`; `k=` takes the tag away, `none` takes all of them. */
export function parseTag(text: string, before: OrNone<TagChanges> = {}): OrNone<TagChanges> {
  if (text === NONE && Object.keys(before).length === 0) return NONE;
  if (before === NONE) throw new InvalidArgumentError('"none" goes with no other tag.');
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write NAME=VALUE.');
  const value = text.slice(at + 1);
  return { ...before, [text.slice(0, at)]: value === '' ? null : value };
}

/** How long old secrets stay: seconds; 0 ends them at once. */
export function parseOverlap(text: string): number {
  if (/^0[a-z]*$/.test(text)) return 0;
  try {
    return Math.ceil(parseDuration(text) / 1000);
  } catch (cause) {
    if (!(cause instanceof BadValue)) throw cause;
    throw new InvalidArgumentError('Write a duration, such as 24h, or 0 for at once.');
  }
}

/** A key as people point at it: id, name, or the key text itself, of which only the id is used. */
export function parseKeyRef(text: string): string {
  return /^sk-lg-([0-9A-Za-z]{12})(?:-|$)/.exec(text)?.[1] ?? text;
}

function parseList(text: string): OrNone<string[]> {
  if (text === NONE || text === 'all') return NONE;
  const items = text.split(',').map((item) => item.trim());
  if (items.every((item) => item !== '')) return items;
  throw new InvalidArgumentError(
    'Write names with commas between them, or "none" for no restriction.',
  );
}

function parseEndpoint(name: string): Endpoint {
  if (isEndpoint(name)) return name;
  const near = findNearest(name, ENDPOINTS);
  const advice =
    near === undefined ? `There are ${ENDPOINTS.join(', ')}.` : `Did you mean "${near}"?`;
  throw new InvalidArgumentError(`"${name}" is no endpoint. ${advice}`);
}

function toExpiresAt(expiry: Expiry | null | undefined, nowMs: number): string | null | undefined {
  if (expiry === null || expiry === undefined) return expiry;
  return new Date('inMs' in expiry ? nowMs + expiry.inMs : expiry.atMs).toISOString();
}
