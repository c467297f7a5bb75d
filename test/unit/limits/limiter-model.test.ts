import { expect, test } from 'vitest';
import { GateError } from '../../../src/core/error.ts';
import type { Key } from '../../../src/core/key.ts';
import { type Admission, createLimiter, type LimitSubject } from '../../../src/limits/limiter.ts';
import type { LimitRule, LimitScope } from '../../../src/limits/rule.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';
import { someKey } from '../../support/some-key.ts';

/*
 * A slow model of the limiter beside the real one: every counter is a list of what happened to it,
 * replayed from the beginning for every question. Both must decide alike on random traffic.
 */
interface Charge {
  readonly atMs: number;
  readonly amount: number;
}

class ModelCounter {
  readonly charges: Charge[] = [];
  readonly burst: number;
  readonly perMs: number;
  constructor(burst: number, perMs: number) {
    this.burst = burst;
    this.perMs = perMs;
  }

  level(nowMs: number): number {
    let level = this.burst;
    let atMs = this.charges[0]?.atMs ?? nowMs;
    for (const charge of [...this.charges, { atMs: nowMs, amount: 0 }]) {
      level = Math.min(this.burst, level + (charge.atMs - atMs) * this.perMs);
      level = Math.min(this.burst, level - charge.amount);
      atMs = charge.atMs;
    }
    return level;
  }
}

interface ModelLimit {
  readonly rule: LimitRule;
  readonly counters: Map<string, ModelCounter>;
  readonly inFlight: Map<string, number>;
}

interface OpenRequest {
  readonly admission: Admission;
  readonly tokens: number;
  readonly passed: readonly (readonly [limit: ModelLimit, scope: string])[];
}

const SCOPES: readonly LimitScope[] = ['key', 'user', 'model', 'endpoint', 'all'];
const PATTERNS = [null, null, 'a*', '*b', 'ab'];

function someRule(random: SeededRandom): LimitRule {
  const rule = {
    per: random.pick(SCOPES),
    model: random.pick(PATTERNS),
    endpoint: random.pick([null, null, 'chat'] as const),
    requests: null,
    tokens: null,
    concurrent: null,
  };
  // Powers of two keep the arithmetic of both sides exact.
  const rate = (count: number) => ({ count, windowMs: 1_024, burst: 1 + random.int(count) });
  const measure = random.int(3);
  if (measure === 0) return { ...rule, requests: rate(8) };
  if (measure === 1) return { ...rule, tokens: rate(256) };
  return { ...rule, concurrent: 1 + random.int(6) };
}

function scopeOf(rule: LimitRule, { key, model, endpoint }: LimitSubject): string | null {
  if (rule.endpoint !== null && rule.endpoint !== endpoint) return null;
  const pattern = rule.model === null ? /^/ : new RegExp(`^${rule.model.replace('*', '.*')}$`);
  if (!pattern.test(model)) return null;
  const scopes = { key: key.id, user: key.user, model, endpoint, all: 'all' };
  return scopes[rule.per];
}

function counterOf(limit: ModelLimit, scope: string): ModelCounter {
  const rate = limit.rule.requests ?? limit.rule.tokens;
  if (rate === null) throw new Error('no rate');
  const known = limit.counters.get(scope);
  const counter = known ?? new ModelCounter(rate.burst, rate.count / rate.windowMs);
  limit.counters.set(scope, counter);
  return counter;
}

function modelAdmits(passed: OpenRequest['passed'], tokens: number, nowMs: number): boolean {
  return passed.every(([limit, scope]) => {
    const { requests, concurrent } = limit.rule;
    if (concurrent !== null) return (limit.inFlight.get(scope) ?? 0) < concurrent;
    const counter = counterOf(limit, scope);
    const need = Math.min(requests === null ? tokens : 1, counter.burst);
    return counter.level(nowMs) >= need - 1e-6;
  });
}

/** Charges the model; negative numbers give back. */
function charge(
  { passed }: Pick<OpenRequest, 'passed'>,
  amounts: { requests: number; tokens: number; slots: number },
  atMs: number,
): void {
  for (const [limit, scope] of passed) {
    const { requests, concurrent } = limit.rule;
    if (concurrent !== null) {
      limit.inFlight.set(scope, (limit.inFlight.get(scope) ?? 0) + amounts.slots);
    } else {
      const amount = requests === null ? amounts.tokens : amounts.requests;
      counterOf(limit, scope).charges.push({ atMs, amount });
    }
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('random traffic, seed %d', (seed) => {
  const random = createSeededRandom(seed);
  const clock = createFakeClock();
  clock.setMonotonic(0);
  const rules = Array.from({ length: 1 + random.int(5) }, () => someRule(random));
  const limiter = createLimiter({ rules, clock });
  const unique = new Map(rules.map((rule) => [JSON.stringify(rule), rule]));
  const limits: ModelLimit[] = [...unique.values()].map((rule) => ({
    rule,
    counters: new Map(),
    inFlight: new Map(),
  }));
  const keys: Key[] = ['ann', 'ann', 'bob', null].map((user, index) =>
    someKey({ id: `key-${index}`, user }),
  );
  const open: OpenRequest[] = [];
  let refusals = 0;

  const end = (request: OpenRequest) => {
    const nowMs = clock.monotonicMs();
    const { admission, tokens } = request;
    if (random.int(3) === 0) {
      admission.cancel();
      charge(request, { requests: -1, tokens: -tokens, slots: -1 }, nowMs);
    } else {
      const actual = random.int(200);
      admission.settle(actual);
      charge(request, { requests: 0, tokens: actual - tokens, slots: -1 }, nowMs);
    }
    if (random.int(2) === 0) admission.settle(10_000);
    if (random.int(2) === 0) admission.cancel();
  };

  for (let step = 0; step < 500; step += 1) {
    clock.advance(random.int(64));
    const ending = open.length > 0 && random.int(5) < 2;
    if (ending) {
      const [request] = open.splice(random.int(open.length), 1);
      if (request !== undefined) end(request);
      continue;
    }
    const subject: LimitSubject = {
      key: random.pick(keys),
      model: random.pick(['ab', 'aa', 'bb']),
      endpoint: random.pick(['chat', 'embeddings'] as const),
    };
    const tokens = random.int(300);
    const passed = limits.flatMap((limit) => {
      const scope = scopeOf(limit.rule, subject);
      return scope === null ? [] : [[limit, scope] as const];
    });
    const expected = modelAdmits(passed, tokens, clock.monotonicMs());
    try {
      const admission = limiter.admit(subject, tokens);
      expect(expected, `step ${step}: admitted`).toBe(true);
      open.push({ admission, tokens, passed });
      charge({ passed }, { requests: 1, tokens, slots: 1 }, clock.monotonicMs());
    } catch (cause) {
      if (!(cause instanceof GateError)) throw cause;
      expect(expected, `step ${step}: ${cause.message}`).toBe(false);
      refusals += 1;
    }
  }
  for (const request of open.splice(0)) end(request);

  // Nothing leaked: after a rest every bucket is full and every slot free.
  clock.advance(1e9);
  for (const { rule } of limits) {
    const subject = { key: keys[0] ?? someKey(), model: 'ab', endpoint: 'chat' } as const;
    if (rule.concurrent === null) continue;
    const free = createLimiter({ rules, clock });
    expect(fill(limiter, subject)).toBe(fill(free, subject));
  }
  expect(refusals).toBeGreaterThan(0);
});

/** How many fit at once, none of which stays. */
function fill(limiter: ReturnType<typeof createLimiter>, subject: LimitSubject): number {
  const admissions: Admission[] = [];
  try {
    while (admissions.length < 1_000) admissions.push(limiter.admit(subject, 0));
  } catch {}
  for (const admission of admissions) admission.cancel();
  return admissions.length;
}
