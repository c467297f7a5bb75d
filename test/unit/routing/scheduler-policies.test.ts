import { describe, expect, test } from 'vitest';
import type { Price } from '../../../src/core/price.ts';
import { BALANCES } from '../../../src/routing/balance.ts';
import { somePool, target } from '../../support/some-pool.ts';

const FREE: Price = {
  input: 0,
  cachedInput: 0,
  cacheWrite: 0,
  audioInput: 0,
  imageInput: 0,
  output: 0,
  reasoning: 0,
  audioOutput: 0,
  imageOutput: 0,
  tiers: [],
  gpuHour: 0,
};

describe('round_robin', () => {
  test('everybody in turn, in the order of the configuration', () => {
    const chosen = somePool(3).places(6, { balance: 'round_robin' });
    expect(chosen.join('')).toBe('abcabc');
  });

  test('one that is full or gone is left out, and does not catch up later', () => {
    const pool = somePool(3);
    pool.replica('b').isUp = false;
    expect(pool.places(4, { balance: 'round_robin' }).join('')).toBe('acac');
    pool.replica('b').isUp = true;
    const later = pool.places(6, { balance: 'round_robin' });
    expect(later.filter((backend) => backend === 'b')).toHaveLength(2);
  });

  test('weights do not count, a slow start does', () => {
    const pool = somePool(2);
    const candidates = [target('a', { weight: 5 }), target('b')];
    expect(pool.places(4, { balance: 'round_robin', candidates }).join('')).toBe('abab');
    pool.replica('a').part = 0.25;
    const chosen = pool.places(10, { balance: 'round_robin', candidates });
    expect(chosen.filter((backend) => backend === 'a')).toHaveLength(2);
  });
});

test('weighted: by weight, evenly spread over time', () => {
  const candidates = [target('a', { weight: 5 }), target('b'), target('c')];
  const chosen = somePool(3).places(7, { balance: 'weighted', candidates });
  expect(chosen.join('')).toBe('aabacaa');
});

describe('least_busy', () => {
  test('the fewest in flight; the first among equals', () => {
    const pool = somePool(3);
    const first = pool.place();
    expect(pool.places(2).join('')).toBe('bc');
    first.end('ok', 0);
    expect(pool.places(1).join('')).toBe('a');
  });

  test.each([
    { name: 'twice the weight has twice the requests', weight: 2, part: 1, share: 8 },
    { name: 'a replica that starts slowly has fewer', weight: 1, part: 0.25, share: 2 },
  ])('$name', ({ weight, part, share }) => {
    const pool = somePool(2);
    pool.replica('a').part = part;
    const chosen = pool.places(12, { candidates: [target('a', { weight }), target('b')] });
    const count = chosen.filter((backend) => backend === 'a').length;
    expect(Math.abs(count - share)).toBeLessThanOrEqual(1);
  });

  test('what others send to an engine counts as well', () => {
    const pool = somePool(2);
    pool.replica('a').load = { running: 3, waiting: 0, kvUsed: 0.1 };
    expect(pool.places(6).join('')).toBe('bbbaba');
  });
});

describe('latency', () => {
  /** Of two candidates both are always the two that are taken at random. */
  test('the quicker of two by first token and requests in flight', () => {
    const pool = somePool(2);
    for (const [id, ttftMs] of [
      ['a', 350],
      ['b', 100],
    ] as const) {
      const lease = pool.place({ balance: 'latency', candidates: [target(id)] });
      lease.firstToken(pool.nowMs + ttftMs);
      lease.end('ok', pool.nowMs + ttftMs);
    }
    pool.nowMs = 350;
    expect(pool.places(5, { balance: 'latency' }).join('')).toBe('bbbab');
  });

  test('one that fails is left alone, and tried again after a while', () => {
    const pool = somePool(2);
    for (const id of ['a', 'b']) {
      const lease = pool.place({ candidates: [target(id)] });
      lease.firstToken(100);
      lease.end('ok', 100);
    }
    for (let count = 0; count < 5; count += 1) {
      pool.place({ candidates: [target('a')] }).end('failed', 100);
    }
    pool.nowMs = 100;
    expect(pool.places(8, { balance: 'latency' }).join('')).toBe('bbbbbbbb');
    pool.nowMs = 200_000;
    expect(pool.places(1, { balance: 'latency' }).join('')).toBe('a');
  });

  test('one that was never measured is no quicker than the other', () => {
    const pool = somePool(2);
    const lease = pool.place({ candidates: [target('a')] });
    lease.firstToken(5_000);
    lease.end('ok', 5_000);
    pool.nowMs = 5_000;
    expect(pool.places(4, { balance: 'latency' }).join('')).toBe('abab');
  });

  test('chance decides which two are compared', () => {
    const numbers = [0.7, 0.6];
    const pool = somePool(3, {}, () => numbers.shift() ?? 0);
    expect(pool.place({ balance: 'latency' }).target.backend).toBe('c');
    numbers.push(0.4, 0.1);
    expect(pool.place({ balance: 'latency' }).target.backend).toBe('b');
  });
});

describe('cost', () => {
  const cheapInput = { ...FREE, input: 1_000, output: 9_000 };
  const cheapOutput = { ...FREE, input: 3_000, output: 1_000 };

  test.each([
    { inputTokens: 100, chosen: 'b' },
    { inputTokens: 100_000, chosen: 'a' },
  ])('the cheapest for $inputTokens tokens of input', ({ inputTokens, chosen }) => {
    const candidates = [target('a', { price: cheapInput }), target('b', { price: cheapOutput })];
    const lease = somePool(2).place({ balance: 'cost', candidates, inputTokens });
    expect([lease.target.backend, lease.reason]).toEqual([chosen, 'cost']);
  });

  test('the usual answer of the model is learnt', () => {
    const pool = somePool(2);
    const candidates = [target('a', { price: cheapInput }), target('b', { price: cheapOutput })];
    for (let count = 0; count < 100; count += 1) {
      const lease = pool.place({ candidates });
      lease.output(1);
      lease.end('ok', 0);
    }
    const lease = pool.place({ balance: 'cost', candidates, inputTokens: 100 });
    expect(lease.target.backend).toBe('a');
  });

  test('ties by load, and what nobody has priced comes last', () => {
    const pool = somePool(3);
    const candidates = [target('a'), target('b', { price: FREE }), target('c', { price: FREE })];
    expect(pool.places(4, { balance: 'cost', candidates }).join('')).toBe('bcbc');
    pool.replica('b').isUp = false;
    pool.replica('c').isUp = false;
    expect(pool.place({ balance: 'cost', candidates }).target.backend).toBe('a');
  });

  test('a tier for long prompts counts', () => {
    const tiered = { ...FREE, input: 1, tiers: [{ ...FREE, input: 9, aboveInputTokens: 1_000 }] };
    const flat = { ...FREE, input: 2 };
    const candidates = [target('a', { price: flat }), target('b', { price: tiered })];
    const pool = somePool(2);
    const chosen = (inputTokens: number) =>
      pool.place({ balance: 'cost', candidates, inputTokens }).target.backend;
    expect([chosen(1_000), chosen(1_001)]).toEqual(['b', 'a']);
  });
});

test.each(BALANCES)('%s: a saturated engine only when there is no other', (balance) => {
  const pool = somePool(2);
  pool.replica('a').load = { running: 0, waiting: 0, kvUsed: 0.95 };
  expect(pool.places(4, { balance }).join('')).toBe('bbbb');
  pool.replica('b').isUp = false;
  expect(pool.places(1, { balance }).join('')).toBe('a');
});

test.each(BALANCES)('%s: one candidate is no choice', (balance) => {
  const lease = somePool(1).place({ balance });
  expect([lease.target.backend, lease.reason]).toEqual(['a', 'only']);
});

test.each([
  ['round_robin', 'round_robin'],
  ['weighted', 'weight'],
  ['least_busy', 'least_busy'],
  ['latency', 'latency'],
  ['cost', 'cost'],
  ['sticky', 'least_busy'],
] as const)('%s says why', (balance, reason) => {
  const pool = somePool(2);
  expect(pool.place({ balance }).reason).toBe(reason);
  pool.replica('a').isUp = false;
  expect(pool.place({ balance }).reason).toBe('only');
});
