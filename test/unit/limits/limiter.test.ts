import { describe, expect, test } from 'vitest';
import type { Key } from '../../../src/core/key.ts';
import { type Admission, createLimiter, type Limiter } from '../../../src/limits/limiter.ts';
import type { LimitRule, Rate } from '../../../src/limits/rule.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { someKey } from '../../support/some-key.ts';
import { thrownBy } from '../../support/thrown.ts';

const KEY = someKey();
const PER_MINUTE = (count: number, burst = count): Rate => ({ count, windowMs: 60_000, burst });

function rule(said: Partial<LimitRule>): LimitRule {
  const nothing = { requests: null, tokens: null, concurrent: null };
  return { per: 'key', model: null, endpoint: null, ...nothing, ...said };
}

function start(...rules: LimitRule[]) {
  const clock = createFakeClock();
  const limiter = createLimiter({ rules, clock });
  return { clock, limiter };
}

function ask(limiter: Limiter, said: { key?: Key; model?: string; tokens?: number } = {}) {
  const { key = KEY, model = 'llama', tokens = 0 } = said;
  return limiter.admit({ key, model, endpoint: 'chat' }, tokens);
}

/** How many are let in before the first refusal; all stay in flight. */
function admitAll(limiter: Limiter, said: Parameters<typeof ask>[1] = {}, most = 100): Admission[] {
  const admissions: Admission[] = [];
  try {
    while (admissions.length < most) admissions.push(ask(limiter, said));
  } catch {}
  return admissions;
}

describe('request rates', () => {
  test('a burst gets in, then one for every interval', () => {
    const { clock, limiter } = start(rule({ requests: PER_MINUTE(60, 5) }));
    expect(admitAll(limiter)).toHaveLength(5);
    clock.advance(1_000);
    expect(admitAll(limiter)).toHaveLength(1);
    clock.advance(2_500);
    expect(admitAll(limiter)).toHaveLength(2);
    clock.advance(3_600_000);
    expect(admitAll(limiter)).toHaveLength(5);
  });

  test.each<[Rate]>([
    [PER_MINUTE(600)],
    [PER_MINUTE(7, 1)],
    [PER_MINUTE(7, 3)],
    [{ count: 3, windowMs: 1_000, burst: 1 }],
    [{ count: 2_000, windowMs: 1_000, burst: 10 }],
    [{ count: 1, windowMs: 86_400_000, burst: 1 }],
    [{ count: 333_333, windowMs: 3_600_000, burst: 17 }],
  ])('waiting exactly retry-after lets one in, a millisecond less does not: %j', (rate) => {
    const { clock, limiter } = start(rule({ requests: rate }));
    for (let round = 0; round < 20; round += 1) {
      admitAll(limiter, {}, 1_000);
      const { code, retryAfterMs } = thrownBy(() => ask(limiter));
      expect(code).toBe('rate_limit_exceeded');
      if (retryAfterMs === undefined) throw new Error('no retry-after');
      expect(Number.isInteger(retryAfterMs) && retryAfterMs > 0).toBe(true);
      clock.advance(retryAfterMs - 1);
      thrownBy(() => ask(limiter));
      clock.advance(1);
      ask(limiter);
    }
  });

  test('the message names the limit and the wait', () => {
    const { limiter } = start(rule({ per: 'all', model: 'll*', requests: PER_MINUTE(60, 1) }));
    ask(limiter);
    expect(thrownBy(() => ask(limiter)).message).toBe(
      'Rate limit reached: 60 requests per minute for all requests together, model "ll*". ' +
        'Try again in 1 s.',
    );
  });

  test('a rate of nothing lets nobody in, and does not say when', () => {
    const { limiter } = start(rule({ requests: PER_MINUTE(0) }));
    expect(thrownBy(() => ask(limiter)).retryAfterMs).toBeUndefined();
    const tokens = start(rule({ tokens: PER_MINUTE(0) }));
    expect(thrownBy(() => ask(tokens.limiter)).code).toBe('rate_limit_exceeded');
  });

  test('the longest wait is told when several limits refuse', () => {
    const { limiter } = start(
      rule({ requests: PER_MINUTE(60, 1) }),
      rule({ requests: PER_MINUTE(2, 1) }),
      rule({ requests: PER_MINUTE(6, 1) }),
      rule({ tokens: PER_MINUTE(60, 10) }),
    );
    ask(limiter, { tokens: 10 });
    expect(thrownBy(() => ask(limiter, { tokens: 10 })).retryAfterMs).toBe(30_000);
    const other = someKey({ id: 'other' });
    ask(limiter, { key: other, tokens: 50 });
    expect(thrownBy(() => ask(limiter, { key: other, tokens: 10 })).retryAfterMs).toBe(50_000);
  });
});

describe('token rates', () => {
  const tokensLeft = (admission: Admission) => admission.standing.tokens?.remaining;

  test('an estimate is charged at admission and corrected at settle', () => {
    const { limiter } = start(rule({ tokens: PER_MINUTE(1_000) }));
    const first = ask(limiter, { tokens: 800 });
    expect(tokensLeft(first)).toBe(200);
    expect(thrownBy(() => ask(limiter, { tokens: 300 })).retryAfterMs).toBe(6_000);
    first.settle(100);
    const second = ask(limiter, { tokens: 300 });
    expect(tokensLeft(second)).toBe(600);
    second.settle(1_200);
    // 300 short now: 100 + 1200 were used of 1000.
    expect(thrownBy(() => ask(limiter, { tokens: 1 })).retryAfterMs).toBe(18_060);
  });

  test('a request larger than the bucket waits for a full one, then puts it in debt', () => {
    const { clock, limiter } = start(rule({ tokens: PER_MINUTE(1_000) }));
    ask(limiter, { tokens: 1 }).settle(1);
    expect(thrownBy(() => ask(limiter, { tokens: 5_000 })).retryAfterMs).toBe(60);
    clock.advance(60);
    const large = ask(limiter, { tokens: 5_000 });
    expect(large.standing.tokens).toEqual({ limit: 1_000, remaining: 0, resetMs: 300_000 });
    expect(thrownBy(() => ask(limiter, { tokens: 1 })).retryAfterMs).toBe(240_060);
  });

  test('a refund never fills a bucket beyond its burst', () => {
    const { clock, limiter } = start(rule({ tokens: PER_MINUTE(1_000) }));
    const admission = ask(limiter, { tokens: 900 });
    clock.advance(60_000);
    admission.settle(0);
    expect(tokensLeft(ask(limiter, { tokens: 0 }))).toBe(1_000);
  });

  test('usage below nothing is nothing', () => {
    const { limiter } = start(rule({ tokens: PER_MINUTE(1_000) }));
    ask(limiter, { tokens: 500 });
    ask(limiter, { tokens: 100 }).settle(-10_000);
    expect(tokensLeft(ask(limiter))).toBe(500);
  });
});

describe('concurrency', () => {
  test('as many as there are slots, and each is given back once', () => {
    const { limiter } = start(rule({ concurrent: 3 }));
    const [one, two] = admitAll(limiter);
    const refusal = thrownBy(() => ask(limiter));
    expect(refusal.code).toBe('concurrency_exceeded');
    expect(refusal.message).toBe(
      'Too many requests in flight: at most 3 requests at a time for each key.',
    );
    expect(refusal.retryAfterMs).toBe(1_000);
    one?.settle(0);
    one?.settle(0);
    one?.cancel();
    expect(admitAll(limiter)).toHaveLength(1);
    two?.cancel();
    two?.settle(0);
    expect(admitAll(limiter)).toHaveLength(1);
  });

  test('no slots at all', () => {
    const { limiter } = start(rule({ concurrent: 0 }));
    expect(thrownBy(() => ask(limiter)).code).toBe('concurrency_exceeded');
  });
});

describe('all or nothing', () => {
  test('a refused request takes nothing from any limit', () => {
    const { limiter } = start(
      rule({ requests: PER_MINUTE(10) }),
      rule({ tokens: PER_MINUTE(100) }),
      rule({ concurrent: 1 }),
    );
    const first = ask(limiter, { tokens: 10 });
    for (let round = 0; round < 50; round += 1) {
      expect(thrownBy(() => ask(limiter, { tokens: 10 })).code).toBe('concurrency_exceeded');
      expect(thrownBy(() => ask(limiter, { tokens: 95 })).code).toBe('rate_limit_exceeded');
    }
    expect(first.standing.requests?.remaining).toBe(9);
    expect(first.standing.tokens?.remaining).toBe(90);
    first.settle(10);
    expect(admitAll(limiter)).toHaveLength(1);
  });

  test('cancel gives everything back, as if the request had never come', () => {
    const { limiter } = start(
      rule({ requests: PER_MINUTE(10) }),
      rule({ tokens: PER_MINUTE(100) }),
      rule({ concurrent: 1 }),
    );
    for (let round = 0; round < 50; round += 1) {
      const admission = ask(limiter, { tokens: 60 });
      admission.cancel();
      admission.settle(60);
      admission.cancel();
    }
    const { standing } = ask(limiter, { tokens: 0 });
    expect(standing.requests?.remaining).toBe(9);
    expect(standing.tokens?.remaining).toBe(100);
  });
});

describe('what a limit counts', () => {
  const ann = someKey({ id: 'ann-1', user: 'ann' });
  const annToo = someKey({ id: 'ann-2', user: 'ann' });
  const bob = someKey({ id: 'bob-1', user: 'bob' });
  const nobody = someKey({ id: 'nobody' });

  test('each key', () => {
    const { limiter } = start(rule({ per: 'key', concurrent: 2 }));
    expect(admitAll(limiter, { key: ann })).toHaveLength(2);
    expect(admitAll(limiter, { key: annToo })).toHaveLength(2);
  });

  test('each user, over all keys; keys without one pass', () => {
    const { limiter } = start(rule({ per: 'user', concurrent: 2 }));
    expect(admitAll(limiter, { key: ann })).toHaveLength(2);
    expect(admitAll(limiter, { key: annToo })).toHaveLength(0);
    expect(admitAll(limiter, { key: bob })).toHaveLength(2);
    expect(admitAll(limiter, { key: nobody })).toHaveLength(100);
  });

  test('each model; requests without one pass', () => {
    const { limiter } = start(rule({ per: 'model', concurrent: 2 }));
    expect(admitAll(limiter, { key: ann, model: 'llama' })).toHaveLength(2);
    expect(admitAll(limiter, { key: bob, model: 'llama' })).toHaveLength(0);
    expect(admitAll(limiter, { model: 'mistral' })).toHaveLength(2);
    expect(admitAll(limiter, { model: '' })).toHaveLength(100);
  });

  test('all together', () => {
    const { limiter } = start(rule({ per: 'all', concurrent: 3 }));
    expect(admitAll(limiter, { key: ann }, 2)).toHaveLength(2);
    expect(admitAll(limiter, { key: bob, model: 'mistral' })).toHaveLength(1);
  });

  test('each endpoint, and only the named one', () => {
    const { limiter } = start(
      rule({ per: 'endpoint', concurrent: 4 }),
      rule({ per: 'all', endpoint: 'chat', concurrent: 2 }),
    );
    const count = (endpoint: 'chat' | 'embeddings') => {
      let admitted = 0;
      try {
        for (; admitted < 100; admitted += 1) limiter.admit({ key: ann, model: 'm', endpoint }, 0);
      } catch {}
      return admitted;
    };
    expect(count('chat')).toBe(2);
    expect(count('embeddings')).toBe(4);
  });

  test('only models that match, all of them in one counter', () => {
    const { limiter } = start(rule({ per: 'user', model: 'llama-*', concurrent: 2 }));
    expect(admitAll(limiter, { key: ann, model: 'llama-1' }, 1)).toHaveLength(1);
    expect(admitAll(limiter, { key: ann, model: 'llama-2' })).toHaveLength(1);
    expect(admitAll(limiter, { key: ann, model: 'mistral' })).toHaveLength(100);
  });

  test('a rule about models, even about all of them, passes requests without one', () => {
    const { limiter } = start(rule({ model: '*', concurrent: 1 }));
    expect(admitAll(limiter, { model: '' })).toHaveLength(100);
    expect(admitAll(limiter, { model: 'm' })).toHaveLength(1);
  });

  test('a key carries its own limits on top of the rules', () => {
    const own = someKey({ limits: { requestsPerMinute: 3, concurrency: 2, tokensPerMinute: 50 } });
    const { limiter } = start(rule({ per: 'all', concurrent: 10 }));
    const [one, two] = admitAll(limiter, { key: own, tokens: 10 });
    expect(one?.standing).toEqual({
      requests: { limit: 3, remaining: 1, resetMs: 40_000 },
      tokens: { limit: 50, remaining: 30, resetMs: 24_000 },
    });
    expect(thrownBy(() => ask(limiter, { key: own })).message).toBe(
      'Too many requests in flight: at most 2 requests at a time for this key.',
    );
    one?.settle(10);
    two?.settle(10);
    expect(thrownBy(() => ask(limiter, { key: own, tokens: 31 })).message).toContain(
      '50 tokens per minute for this key',
    );
    ask(limiter, { key: own, tokens: 0 }).settle(0);
    expect(thrownBy(() => ask(limiter, { key: own })).message).toContain(
      '3 requests per minute for this key',
    );
  });

  test('no limits at all cost nothing and say nothing', () => {
    const { limiter } = start();
    const one = ask(limiter);
    expect(ask(limiter)).toBe(one);
    expect(one.standing).toEqual({ requests: null, tokens: null });
    one.settle(5);
    one.cancel();
    expect(limiter.stats()).toMatchObject({ counters: 0, refused: 0 });
  });
});

describe('standing', () => {
  test('is of the limit with the smallest share left, and is live', () => {
    const { clock, limiter } = start(
      rule({ requests: PER_MINUTE(100) }),
      rule({ per: 'all', requests: PER_MINUTE(10) }),
      rule({ per: 'model', requests: PER_MINUTE(50) }),
    );
    const admission = ask(limiter);
    expect(admission.standing.requests).toEqual({ limit: 10, remaining: 9, resetMs: 6_000 });
    expect(admission.standing.tokens).toBeNull();
    clock.advance(6_000);
    expect(admission.standing.requests).toMatchObject({ remaining: 10, resetMs: 0 });
  });

  test('can be asked for without being admitted', () => {
    const { limiter } = start(rule({ requests: PER_MINUTE(2) }));
    admitAll(limiter);
    const subject = { key: KEY, model: 'llama', endpoint: 'chat' } as const;
    const standing = limiter.standing(subject);
    expect(standing.requests).toEqual({ limit: 2, remaining: 0, resetMs: 60_000 });
    expect(limiter.standing(subject)).toEqual(standing);
    expect(start().limiter.standing(subject)).toEqual({ requests: null, tokens: null });
  });
});

describe('a clock that steps back', () => {
  test('neither lets a flood in nor shuts the door', () => {
    const { clock, limiter } = start(rule({ requests: PER_MINUTE(60, 5) }));
    expect(admitAll(limiter)).toHaveLength(5);
    clock.setMonotonic(-1e9);
    expect(admitAll(limiter)).toHaveLength(0);
    clock.advance(1_000);
    expect(admitAll(limiter)).toHaveLength(1);
  });

  test('the wall clock has no say in it', () => {
    const { clock, limiter } = start(rule({ requests: PER_MINUTE(60, 5) }));
    admitAll(limiter);
    clock.setWall(clock.nowMs() + 1e12);
    expect(admitAll(limiter)).toHaveLength(0);
    clock.setWall(0);
    clock.advance(1_000);
    expect(admitAll(limiter)).toHaveLength(1);
  });
});
