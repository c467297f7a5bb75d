import { describe, expect, test } from 'vitest';
import {
  type ArrivalPlan,
  type Arrivals,
  createArrivals,
  rateAt,
  replayArrivals,
} from '../../../src/bench/arrivals.ts';
import { createRandom } from '../../../src/bench/random.ts';

const PLAN: ArrivalPlan = {
  requestRate: 100,
  burstiness: 1,
  ramp: null,
  count: 20_000,
  durationMs: null,
};

function draw(plan: Partial<ArrivalPlan>, seed = 1): number[] {
  return take(
    createArrivals({ ...PLAN, ...plan }, () => createRandom(seed, 'arrivals')),
    50_000,
  );
}

function take(arrivals: Arrivals, most: number): number[] {
  const times: number[] = [];
  for (let atMs = arrivals(); atMs !== null && times.length < most; atMs = arrivals()) {
    times.push(atMs);
  }
  return times;
}

function gapsOf(times: readonly number[]): number[] {
  return times.map((atMs, index) => atMs - (times[index - 1] ?? 0));
}

function momentsOf(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, cv: Math.sqrt(variance) / mean };
}

describe('gamma arrivals', () => {
  // The coefficient of variation of Gamma(shape) is 1/sqrt(shape).
  test.each([
    [1, 1],
    [0.25, 2],
    [4, 0.5],
    [0.5, Math.SQRT2],
  ])('shape %d: gaps have mean 1/rate and a variation of %d', (burstiness, cv) => {
    const moments = momentsOf(gapsOf(draw({ burstiness })));
    expect(moments.mean).toBeCloseTo(10, 6);
    expect(Math.abs(moments.cv / cv - 1)).toBeLessThan(0.05);
  });

  test('the last of n arrives at n/rate, whatever the seed', () => {
    for (const seed of [1, 2, 3]) {
      expect(draw({ count: 50, burstiness: 0.5 }, seed).at(-1)).toBeCloseTo(500, 6);
    }
  });

  test('inf is even', () => {
    expect(draw({ count: 4, burstiness: Number.POSITIVE_INFINITY })).toEqual([10, 20, 30, 40]);
  });

  test('a seed repeats itself and no other', () => {
    expect(draw({ count: 20 }, 7)).toEqual(draw({ count: 20 }, 7));
    expect(draw({ count: 20 }, 7)).not.toEqual(draw({ count: 20 }, 8));
  });

  test('without a count there is no end, and no stretching', () => {
    const times = draw({ count: null, durationMs: 1_000 });
    expect(times).toHaveLength(50_000);
    expect(Math.abs(momentsOf(gapsOf(times)).mean - 10)).toBeLessThan(0.5);
  });

  test('an infinite rate is all at once', () => {
    expect(draw({ requestRate: Number.POSITIVE_INFINITY, count: 3 })).toEqual([0, 0, 0]);
  });
});

describe('ramp', () => {
  const even = { burstiness: Number.POSITIVE_INFINITY } as const;

  test.each([
    ['linear', 0, 10],
    ['linear', 50, 60],
    ['linear', 100, 110],
    ['exponential', 0, 10],
    ['exponential', 50, Math.sqrt(10 * 110)],
    ['exponential', 100, 110],
  ] as const)('%s: after %d of 101 requests the rate is %d', (strategy, index, rate) => {
    const plan = { ...PLAN, count: 101, ramp: { strategy, startRps: 10, endRps: 110 } };
    expect(rateAt(plan, index, 0)).toBeCloseTo(rate, 9);
  });

  test('by time when only time ends it', () => {
    const ramp = { strategy: 'linear', startRps: 10, endRps: 30 } as const;
    expect(rateAt({ ...PLAN, count: null, durationMs: 2_000, ramp }, 5, 1_000)).toBe(20);
  });

  test('gaps shrink as the rate grows', () => {
    const gaps = gapsOf(
      draw({ ...even, count: 50, ramp: { strategy: 'linear', startRps: 10, endRps: 100 } }),
    );
    expect(gaps[0]).toBe(100);
    expect(gaps.at(-1)).toBeCloseTo(10, 9);
    expect(gaps).toEqual(gaps.toSorted((one, other) => other - one));
  });
});

describe('replay', () => {
  test('counts from the first, as fast as asked, and ends with the trace', () => {
    expect(take(replayArrivals([500, 700, 1_500], 2, null), 10)).toEqual([0, 100, 500]);
    expect(take(replayArrivals([0, 10, 20], 1, 2), 10)).toEqual([0, 10]);
    expect(take(replayArrivals([], 1, null), 10)).toEqual([]);
  });
});
