import { describe, expect, test } from 'vitest';
import { DurationHistogram } from '../../../src/bench/histogram.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

function filled(values: readonly number[]): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('percentiles', () => {
  test('are those of the nearest rank', () => {
    const histogram = filled([5, 1, 4, 2, 3, 6, 7, 8, 9, 10]);
    const found = [10, 11, 50, 90, 91, 100].map((p) => histogram.percentile(p, true) ?? 0);
    expect(found.map((ms) => Number(ms.toFixed(2)))).toEqual([1, 2, 5, 9, 10, 10]);
  });

  test('that fewer than three samples lie beyond are not said', () => {
    const at = (count: number, percent: number) =>
      filled(Array.from({ length: count }, (_, index) => index)).percentile(percent);
    expect(at(29, 90)).toBeNull();
    expect(at(30, 90)).not.toBeNull();
    expect(at(299, 99)).toBeNull();
    expect(at(300, 99)).not.toBeNull();
    expect(at(2_999, 99.9)).toBeNull();
    expect(at(3_000, 99.9)).not.toBeNull();
    // The median of one is that one.
    expect(at(1, 50)).toBe(0);
  });

  test('are exact to 0.1 % from microseconds to an hour', () => {
    const random = createSeededRandom(3);
    const values = Array.from({ length: 20_000 }, () => 10 ** (random.next() * 9.5 - 3));
    const sorted = values.toSorted((one, other) => one - other);
    const histogram = filled(values);
    for (const percent of [1, 25, 50, 75, 90, 99, 99.9]) {
      const exact = sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? 0;
      const error = Math.abs((histogram.percentile(percent) ?? 0) - exact);
      // Half a microsecond is the unit.
      expect(error).toBeLessThanOrEqual(exact * 0.001 + 0.0005);
    }
  });
});

test('mean, deviation, least and most are exact', () => {
  const histogram = filled([2, 4, 4, 4, 5, 5, 7, 9]);
  expect(histogram).toMatchObject({ count: 8, mean: 5, deviation: 2, min: 2, max: 9 });
});

test('nothing has no figures', () => {
  const histogram = new DurationHistogram();
  expect(histogram).toMatchObject({ count: 0, mean: null, deviation: null, min: null, max: null });
  expect(histogram.percentile(50)).toBeNull();
});

test('what is beyond an hour counts as that, and a negative time as none', () => {
  const histogram = filled([-1, 1e12]);
  expect(histogram).toMatchObject({ min: 0, max: 1e12 });
  expect(histogram.percentile(100, true)).toBeGreaterThan(4e6);
  expect([...histogram.steps()].map(([, count]) => count)).toEqual([1, 1]);
});
