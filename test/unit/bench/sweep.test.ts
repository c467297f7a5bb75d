import { describe, expect, test } from 'vitest';
import { Series } from '../../../src/bench/series.ts';
import {
  findKeptUp,
  findKnee,
  isCarried,
  planRates,
  type SweepStep,
} from '../../../src/bench/sweep.ts';

const GOOD: SweepStep = {
  rate: 10,
  keptUp: 1,
  errorRatio: 0,
  overSaturated: false,
  goodRatio: null,
};

test('rates go from the slowest to a tenth beyond the fastest', () => {
  expect(planRates(10, 100, 4).map(Math.round)).toEqual([10, 43, 77, 110]);
  expect(planRates(100, 10, 2).map(Math.round)).toEqual([10, 110]);
});

test.each([
  ['kept up', {}, true],
  ['fell behind', { keptUp: 0.94 }, false],
  ['failed', { errorRatio: 0.02 }, false],
  ['over-saturated', { overSaturated: true }, false],
  ['good enough', { goodRatio: 0.95 }, true],
  ['not good enough', { goodRatio: 0.94 }, false],
])('%s', (_, part, carried) => {
  expect(isCarried({ ...GOOD, ...part })).toBe(carried);
});

describe('knee', () => {
  const steps = (...shares: number[]) =>
    shares.map((keptUp, at) => ({ ...GOOD, rate: (at + 1) * 10, keptUp }));

  test.each([
    [[1, 1, 0.5], 20],
    [[1, 1, 1], 30],
    [[0.2, 0.1], null],
    [[], null],
    // A lucky rate above one that failed is luck.
    [[1, 0.5, 1], 10],
  ])('%j', (shares, knee) => {
    expect(findKnee(steps(...shares))).toBe(knee);
    expect(findKnee(steps(...shares).toReversed())).toBe(knee);
  });
});

test('keeping up is judged after the start and before the tail', () => {
  const series = new Series();
  // Ten seconds of ten requests, answered two seconds later; the tail is seconds 10 and 11.
  for (let second = 0; second < 10; second += 1) {
    series.at(second * 1_000).sent += 10;
    series.at((second + 2) * 1_000).completed += 10;
  }
  expect(findKeptUp(series, 10_000)).toBe(1);
  const slow = new Series();
  for (let second = 0; second < 10; second += 1) {
    slow.at(second * 1_000).sent += 10;
    slow.at(second * 1_000).completed += 6;
  }
  expect(findKeptUp(slow, 10_000)).toBeCloseTo(0.6, 9);
  expect(findKeptUp(new Series(), 10_000)).toBe(0);
});

test('a series of a day fits, with wider points and nothing lost', () => {
  const series = new Series();
  for (let second = 0; second < 86_400; second += 10) {
    const point = series.at(second * 1_000);
    point.sent += 1;
    point.inFlightMax = Math.max(point.inFlightMax, second);
  }
  expect(series.points.length).toBeLessThanOrEqual(1_200);
  expect(series.widthS).toBe(128);
  expect(series.points.reduce((sum, point) => sum + point.sent, 0)).toBe(8_640);
  expect(Math.max(...series.points.map((point) => point.inFlightMax))).toBe(86_390);
});
