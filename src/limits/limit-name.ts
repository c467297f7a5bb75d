import type { LimitRule, LimitScope, Rate } from './rule.ts';

const UNITS: readonly (readonly [windowMs: number, unit: string])[] = [
  [1_000, 'second'],
  [60_000, 'minute'],
  [3_600_000, 'hour'],
  [86_400_000, 'day'],
];

const SCOPES: Readonly<Record<LimitScope, string>> = {
  key: 'for each key',
  user: 'for each user',
  model: 'for each model',
  endpoint: 'for each endpoint',
  all: 'for all requests together',
};

/** A limit in words: `600 requests per minute for each key, model "llama-*"`. */
export function limitName(rule: LimitRule): string {
  const filters =
    (rule.model === null ? '' : `, model "${rule.model}"`) +
    (rule.endpoint === null ? '' : `, endpoint "${rule.endpoint}"`);
  return `${measureName(rule)} ${SCOPES[rule.per]}${filters}`;
}

/** A limit that a key carries itself, in words. */
export function ownLimitName(measure: string): string {
  return `${measure} for this key`;
}

export function rateName(rate: Rate, what: 'requests' | 'tokens'): string {
  const unit = UNITS.find(([windowMs]) => windowMs === rate.windowMs)?.[1];
  return `${rate.count} ${what} per ${unit ?? `${rate.windowMs / 1_000} seconds`}`;
}

export function concurrencyName(limit: number): string {
  return `${limit} requests at a time`;
}

function measureName(rule: LimitRule): string {
  if (rule.requests !== null) return rateName(rule.requests, 'requests');
  if (rule.tokens !== null) return rateName(rule.tokens, 'tokens');
  return concurrencyName(rule.concurrent ?? 0);
}
