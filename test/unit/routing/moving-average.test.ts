import { expect, test } from 'vitest';
import { DecayingSum } from '../../../src/routing/decaying-sum.ts';
import { MovingAverage } from '../../../src/routing/moving-average.ts';

test('samples of one instant count alike, older ones less', () => {
  const average = new MovingAverage(1_000);
  expect(average.mean()).toBeNull();
  average.add(100, 0);
  average.add(300, 0);
  expect(average.mean()).toBe(200);
  average.add(500, 5_000);
  expect(average.mean()).toBeCloseTo(500, -1);
});

test('with doubt an old mean fades, and a single sample is not everything', () => {
  const average = new MovingAverage(1_000);
  expect(average.doubted(2, 0)).toBe(0);
  average.add(1, 0);
  expect(average.doubted(2, 0)).toBeCloseTo(1 / 3);
  expect(average.doubted(2, 10_000)).toBeLessThan(0.001);
  expect(average.mean()).toBe(1);
});

test('a long silence leaves a number', () => {
  const average = new MovingAverage(1);
  average.add(7, 0);
  average.add(9, 1e9);
  expect(average.mean()).toBeCloseTo(9);
  expect(average.doubted(0, 2e9)).toBeCloseTo(9);
});

test('a sum of what was lately', () => {
  const sum = new DecayingSum(1_000);
  sum.add(100, 0);
  sum.add(100, 1_000);
  expect(sum.at(1_000)).toBeCloseTo(100 + 100 / Math.E);
  expect(sum.at(500)).toBe(sum.at(1_000));
});
