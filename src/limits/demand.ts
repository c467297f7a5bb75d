import type { Endpoint } from '../core/call.ts';
import type { Key } from '../core/key.ts';
import { matchesPattern } from '../core/pattern.ts';
import type { ActiveRule } from './active-rules.ts';
import { concurrencyName, ownLimitName, rateName } from './limit-name.ts';
import type { LimitRule, Rate } from './rule.ts';
import type { Ceiling } from './slots.ts';

/** A counter that a request has to pass: by which id it is found and how it is made. */
export type Demand =
  | {
      readonly measure: 'requests' | 'tokens';
      readonly counterId: string;
      readonly name: string;
      readonly rate: Rate;
    }
  | { readonly measure: 'slots'; readonly counterId: string; readonly ceiling: Ceiling };

/** What a rule of the configuration demands of a request; undefined when it does not apply. */
export function demandOfRule(
  active: ActiveRule,
  key: Key,
  model: string,
  endpoint: Endpoint,
): Demand | undefined {
  const { id, rule, name, ceiling } = active;
  const scope = scopeOf(rule, key, model, endpoint);
  if (scope === undefined) return undefined;
  const counterId = id + scope;
  if (ceiling !== null) return { measure: 'slots', counterId, ceiling };
  if (rule.requests !== null) return { measure: 'requests', counterId, name, rate: rule.requests };
  if (rule.tokens !== null) return { measure: 'tokens', counterId, name, rate: rule.tokens };
  return undefined;
}

/** What the limits that a key carries itself demand. */
export function demandsOfKey({ id, limits }: Key): Demand[] {
  const demands: Demand[] = [];
  if (limits.requestsPerMinute !== null) {
    demands.push(ownRate('requests', id, limits.requestsPerMinute));
  }
  if (limits.tokensPerMinute !== null) demands.push(ownRate('tokens', id, limits.tokensPerMinute));
  if (limits.concurrency !== null) {
    const name = ownLimitName(concurrencyName(limits.concurrency));
    const ceiling = { name, limit: limits.concurrency };
    demands.push({ measure: 'slots', counterId: `own-slots/${id}`, ceiling });
  }
  return demands;
}

function ownRate(measure: 'requests' | 'tokens', keyId: string, count: number): Demand {
  const rate = { count, windowMs: 60_000, burst: count };
  const name = ownLimitName(rateName(rate, measure));
  return { measure, counterId: `own-${measure}/${keyId}`, name, rate };
}

/** What a rule counts a request under; undefined when it does not apply to it. */
function scopeOf(rule: LimitRule, key: Key, model: string, endpoint: Endpoint): string | undefined {
  if (rule.endpoint !== null && rule.endpoint !== endpoint) return undefined;
  if (rule.model !== null && (model === '' || !matchesPattern(rule.model, model))) return undefined;
  switch (rule.per) {
    case 'key':
      return key.id;
    case 'user':
      return key.user ?? undefined;
    case 'model':
      return model === '' ? undefined : model;
    case 'endpoint':
      return endpoint;
    case 'all':
      return '';
  }
}
