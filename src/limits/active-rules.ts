import { limitName } from './limit-name.ts';
import type { LimitRule } from './rule.ts';
import type { Ceiling } from './slots.ts';

/** A rule of the configuration at work. Its counters' ids begin with `id`. */
export interface ActiveRule {
  readonly id: string;
  readonly rule: LimitRule;
  readonly name: string;
  /** Shared by all slots of the rule; null when it limits a rate. */
  readonly ceiling: Ceiling | null;
}

/** The rules of the configuration, each with an identity that outlives a reload. */
export class ActiveRules {
  #byIdentity = new Map<string, ActiveRule>();
  #made = 0;

  get size(): number {
    return this.#byIdentity.size;
  }

  all(): Iterable<ActiveRule> {
    return this.#byIdentity.values();
  }

  /** Returns the ids that are gone, whose counters have nothing to count any more. */
  replace(rules: readonly LimitRule[]): string[] {
    const next = new Map<string, ActiveRule>();
    for (const rule of rules) {
      const identity = identityOf(rule);
      const twin = next.get(identity);
      // Of two ceilings on the same requests only the lower one can ever be reached.
      if (twin !== undefined && (twin.rule.concurrent ?? 0) <= (rule.concurrent ?? 0)) continue;
      next.set(identity, this.#activate(rule, this.#byIdentity.get(identity) ?? twin));
    }
    const gone = [...this.#byIdentity].filter(([identity]) => !next.has(identity));
    this.#byIdentity = next;
    return gone.map(([, { id }]) => id);
  }

  #activate(rule: LimitRule, known: ActiveRule | undefined): ActiveRule {
    const name = limitName(rule);
    const ceiling = known?.ceiling ?? (rule.concurrent === null ? null : { name, limit: 0 });
    if (ceiling !== null && rule.concurrent !== null) {
      ceiling.name = name;
      ceiling.limit = rule.concurrent;
    }
    if (known !== undefined) return { id: known.id, rule, name, ceiling };
    this.#made += 1;
    return { id: `rule-${this.#made}/`, rule, name, ceiling };
  }
}

/**
 * What makes a rule the same rule after a reload. The number of a concurrency limit is no part of
 * it: requests in flight stay in flight when it changes.
 */
function identityOf(rule: LimitRule): string {
  const measure = rule.concurrent === null ? [rule.requests, rule.tokens] : 'concurrent';
  return JSON.stringify([rule.per, rule.model, rule.endpoint, measure]);
}
