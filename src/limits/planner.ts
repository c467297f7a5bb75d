import { assert } from '../core/assert.ts';
import type { Endpoint } from '../core/call.ts';
import type { Key } from '../core/key.ts';
import { ActiveRules } from './active-rules.ts';
import { Bucket } from './bucket.ts';
import { Counters } from './counters.ts';
import { type Demand, demandOfRule, demandsOfKey } from './demand.ts';
import { isStale, type Plan } from './plan.ts';
import type { LimitRule } from './rule.ts';
import { Slots } from './slots.ts';

/** Plans kept before all are forgotten and made anew, each in a microsecond or two. */
const MAX_PLANS = 10_000;
const MAX_PLANS_PER_KEY = 64;

/** The plans of a key, and what of the key they were made of. */
interface Plans {
  readonly id: string;
  readonly user: string | null;
  readonly limits: Key['limits'];
  readonly plans: Plan[];
}

/** Which counters a request has to pass. Found once for a key, model and endpoint, then kept. */
export class Planner {
  readonly counters: Counters;
  readonly #rules = new ActiveRules();
  readonly #plans = new Map<string, Plans>();
  #planCount = 0;

  constructor(rules: readonly LimitRule[], maxCounters: number) {
    this.counters = new Counters(maxCounters);
    this.#rules.replace(rules);
  }

  appliesToNobody(key: Key): boolean {
    if (this.#rules.size > 0) return false;
    const { requestsPerMinute, tokensPerMinute, concurrency } = key.limits;
    return requestsPerMinute === null && tokensPerMinute === null && concurrency === null;
  }

  planFor(key: Key, model: string, endpoint: Endpoint, nowMs: number): Plan {
    const known = this.#plans.get(key.id);
    if (known !== undefined && isMadeOf(known, key)) {
      for (const plan of known.plans) {
        if (plan.model !== model || plan.endpoint !== endpoint) continue;
        if (!isStale(plan)) return plan;
        // Its counters were idle and have been dropped; every plan of the key may have some.
        this.#forget(known);
        break;
      }
    } else if (known !== undefined) {
      this.#forget(known);
    }
    const plan = this.#makePlan(key, model, endpoint, nowMs);
    this.#keep(key, plan);
    return plan;
  }

  replaceRules(rules: readonly LimitRule[]): void {
    for (const id of this.#rules.replace(rules)) this.counters.retire(id);
    this.#forgetAll();
  }

  #keep(key: Key, plan: Plan): void {
    if (this.#planCount >= MAX_PLANS) this.#forgetAll();
    const known = this.#plans.get(key.id);
    if (known === undefined) {
      const { id, user, limits } = key;
      this.#plans.set(id, { id, user, limits, plans: [plan] });
    } else {
      if (known.plans.length >= MAX_PLANS_PER_KEY) {
        this.#planCount -= known.plans.length;
        known.plans.length = 0;
      }
      known.plans.push(plan);
    }
    this.#planCount += 1;
  }

  #forget({ id, plans }: Plans): void {
    this.#planCount -= plans.length;
    this.#plans.delete(id);
  }

  #forgetAll(): void {
    this.#plans.clear();
    this.#planCount = 0;
  }

  #makePlan(key: Key, model: string, endpoint: Endpoint, nowMs: number): Plan {
    const demands = demandsOfKey(key);
    for (const rule of this.#rules.all()) {
      const demand = demandOfRule(rule, key, model, endpoint);
      if (demand !== undefined) demands.push(demand);
    }
    const requests: Bucket[] = [];
    const tokens: Bucket[] = [];
    const slots: Slots[] = [];
    const pinned: (Bucket | Slots)[] = [];
    try {
      for (const demand of demands) {
        const counter = this.#counterFor(demand, nowMs);
        // Pinned until the plan is made: adding one counter may drop others that are idle.
        counter.inFlight += 1;
        pinned.push(counter);
        if (counter instanceof Slots) slots.push(counter);
        else if (demand.measure === 'requests') requests.push(counter);
        else tokens.push(counter);
      }
    } finally {
      for (const counter of pinned) counter.inFlight -= 1;
    }
    return { model, endpoint, requests, tokens, slots };
  }

  #counterFor(demand: Demand, nowMs: number): Bucket | Slots {
    const known = this.counters.get(demand.counterId);
    if (known === undefined) {
      const counter =
        demand.measure === 'slots'
          ? new Slots(demand.ceiling)
          : new Bucket(demand.rate, demand.name, nowMs);
      this.counters.add(demand.counterId, counter, nowMs);
      return counter;
    }
    // Found with other numbers, its key was changed: what has been used stays used.
    if (demand.measure === 'slots') {
      assert(known instanceof Slots, `${demand.counterId} counts requests in flight`);
      known.ceiling.limit = demand.ceiling.limit;
      known.ceiling.name = demand.ceiling.name;
    } else {
      assert(known instanceof Bucket, `${demand.counterId} counts a rate`);
      if (known.name !== demand.name) known.resize(demand.rate, demand.name, nowMs);
    }
    return known;
  }
}

/**
 * A key that is read again is another object that says the same, with the same object for its
 * limits; a key whose limits were changed has others.
 */
function isMadeOf({ user, limits }: Plans, key: Key): boolean {
  return limits === key.limits && user === key.user;
}
