import { describe, expect, test } from 'vitest';
import type { Key } from '../../../src/core/key.ts';
import { type Admission, createLimiter } from '../../../src/limits/limiter.ts';
import type { LimitRule } from '../../../src/limits/rule.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { someKey } from '../../support/some-key.ts';
import { thrownBy } from '../../support/thrown.ts';

const FILTERS = { per: 'key', model: null, endpoint: null } as const;
const TEN: LimitRule = {
  ...FILTERS,
  requests: { count: 10, windowMs: 60_000, burst: 10 },
  tokens: null,
  concurrent: null,
};
const TWENTY: LimitRule = { ...TEN, requests: { count: 20, windowMs: 60_000, burst: 20 } };
const IN_FLIGHT = (concurrent: number): LimitRule => ({
  ...FILTERS,
  requests: null,
  tokens: null,
  concurrent,
});
const KEY = someKey();

function start(rules: readonly LimitRule[], maxCounters = 1_000) {
  const clock = createFakeClock();
  const limiter = createLimiter({ rules, clock, maxCounters });
  const admit = (key: Key = KEY, model = 'm') => limiter.admit({ key, model, endpoint: 'chat' }, 0);
  const admitAll = (key: Key = KEY): Admission[] => {
    const admissions: Admission[] = [];
    try {
      while (admissions.length < 100) admissions.push(admit(key));
    } catch {}
    return admissions;
  };
  return { clock, limiter, admit, admitAll };
}

describe('a reload', () => {
  test('keeps the counters of rules that stay, wherever they stand in the list', () => {
    const { limiter, admitAll } = start([TEN]);
    expect(admitAll()).toHaveLength(10);
    limiter.replaceRules([IN_FLIGHT(50), structuredClone(TEN)]);
    expect(admitAll()).toHaveLength(0);
  });

  test('starts a changed rate anew and drops the old one', () => {
    const { limiter, admitAll } = start([TEN]);
    admitAll();
    limiter.replaceRules([TWENTY]);
    expect(limiter.stats().counters).toBe(0);
    expect(admitAll()).toHaveLength(20);
    limiter.replaceRules([]);
    expect(admitAll()).toHaveLength(100);
    expect(limiter.stats().counters).toBe(0);
  });

  test('a new rule applies at once, to keys that were seen before too', () => {
    const { limiter, admit, admitAll } = start([IN_FLIGHT(50)]);
    admit();
    limiter.replaceRules([IN_FLIGHT(50), TEN]);
    expect(admitAll()).toHaveLength(10);
  });

  test('a changed ceiling still counts who is in flight', () => {
    const { limiter, admitAll } = start([IN_FLIGHT(5)]);
    const early = admitAll();
    expect(early).toHaveLength(5);
    limiter.replaceRules([IN_FLIGHT(7)]);
    expect(admitAll()).toHaveLength(2);
    limiter.replaceRules([IN_FLIGHT(3)]);
    for (const admission of early.slice(0, 4)) admission.settle(0);
    expect(admitAll()).toHaveLength(0);
    early[4]?.settle(0);
    expect(admitAll()).toHaveLength(1);
  });

  test('admissions of a rule that is gone end without a trace', () => {
    const { limiter, admitAll } = start([TEN, IN_FLIGHT(5)]);
    const early = admitAll();
    limiter.replaceRules([]);
    for (const admission of early) admission.settle(0);
    limiter.replaceRules([IN_FLIGHT(5)]);
    expect(admitAll()).toHaveLength(5);
  });

  test('the same limit twice is one limit, and the lower of two ceilings counts', () => {
    const { admitAll } = start([TEN, TEN]);
    expect(admitAll()).toHaveLength(10);
    expect(start([IN_FLIGHT(4), IN_FLIGHT(2)]).admitAll()).toHaveLength(2);
    expect(start([IN_FLIGHT(2), IN_FLIGHT(4)]).admitAll()).toHaveLength(2);
  });
});

describe('a changed key', () => {
  const withLimits = (requestsPerMinute: number | null, concurrency: number | null) =>
    someKey({ limits: { requestsPerMinute, concurrency } });

  test('has used what it has used', () => {
    const { admitAll } = start([]);
    expect(admitAll(withLimits(10, null))).toHaveLength(10);
    expect(admitAll(withLimits(15, null))).toHaveLength(5);
    expect(admitAll(withLimits(5, null))).toHaveLength(0);
    expect(admitAll(withLimits(null, null))).toHaveLength(100);
  });

  test('has in flight what it has in flight', () => {
    const { admitAll } = start([]);
    const early = admitAll(withLimits(null, 4));
    expect(admitAll(withLimits(null, 6))).toHaveLength(2);
    for (const admission of early) admission.settle(0);
    expect(admitAll(withLimits(null, 3))).toHaveLength(1);
  });
});

describe('counters are bounded', () => {
  const keyNumber = (index: number) => someKey({ id: `key-${index}` });

  test('idle ones make room for new ones', () => {
    const { limiter, admit } = start([IN_FLIGHT(1)], 100);
    for (let index = 0; index < 5_000; index += 1) {
      admit(keyNumber(index)).settle(0);
      expect(limiter.stats().counters).toBeLessThanOrEqual(100);
    }
    expect(limiter.stats().evicted).toBeGreaterThanOrEqual(4_900);
  });

  test('those in use are never dropped; who finds no room is refused, not let through', () => {
    const { limiter, admit } = start([IN_FLIGHT(1)], 100);
    const held = Array.from({ length: 100 }, (_, index) => admit(keyNumber(index)));
    expect(thrownBy(() => admit(keyNumber(100))).code).toBe('overloaded');
    const subject = { key: keyNumber(100), model: 'm', endpoint: 'chat' } as const;
    expect(limiter.standing(subject)).toEqual({ requests: null, tokens: null });
    expect(thrownBy(() => admit(keyNumber(7))).code).toBe('concurrency_exceeded');
    held[50]?.settle(0);
    admit(keyNumber(100));
    expect(thrownBy(() => admit(keyNumber(100))).code).toBe('concurrency_exceeded');
    expect(limiter.stats().counters).toBe(100);
  });

  test('a key whose counter was dropped is counted by the one that others see', () => {
    const user = 'ann';
    const two = [someKey({ id: 'one', user }), someKey({ id: 'two', user })] as const;
    const { admit } = start([{ ...IN_FLIGHT(1), per: 'user' }], 10);
    admit(two[0]).settle(0);
    for (let index = 0; index < 100; index += 1) {
      admit(someKey({ id: `k${index}`, user: `u${index}` })).settle(0);
    }
    admit(two[1]);
    expect(thrownBy(() => admit(two[0])).code).toBe('concurrency_exceeded');
  });

  test('a plan that needs more counters than there is room for takes none', () => {
    const { limiter, admit } = start([IN_FLIGHT(9), TEN, { ...TEN, per: 'all' }], 2);
    expect(thrownBy(() => admit()).code).toBe('overloaded');
    limiter.replaceRules([IN_FLIGHT(9)]);
    const admissions = Array.from({ length: 9 }, () => admit());
    expect(thrownBy(() => admit()).code).toBe('concurrency_exceeded');
    for (const admission of admissions) admission.cancel();
  });

  test('a caller who asks for ever new models is not remembered for it', () => {
    const { limiter, admit } = start([TWENTY, IN_FLIGHT(1)]);
    for (let index = 0; index < 20; index += 1) admit(KEY, `model-${index}`).settle(0);
    expect(thrownBy(() => admit(KEY, 'another')).code).toBe('rate_limit_exceeded');
    expect(limiter.stats().counters).toBe(2);
  });
});
