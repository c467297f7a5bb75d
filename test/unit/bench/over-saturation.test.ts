import { describe, expect, test } from 'vitest';
import { isGrowing, studentT95, watchSaturation } from '../../../src/bench/over-saturation.ts';
import { createRandom } from '../../../src/bench/random.ts';

test.each([
  [3, 3.182],
  [5, 2.571],
  [10, 2.228],
  [30, 2.042],
  [118, 1.98],
])('with %d degrees of freedom t is %d', (degrees, t) => {
  expect(Math.abs(studentT95(degrees) / t - 1)).toBeLessThan(0.01);
});

describe('growth', () => {
  const noisy = (slope: number, n: number) => {
    const random = createRandom(9, 'noise');
    return Array.from({ length: n }, (_, x) => [x, slope * x + random.uniform() * 10] as const);
  };

  test.each([
    ['a clear rise', noisy(1, 60), true],
    ['noise', noisy(0, 60), false],
    ['a fall', noisy(-1, 60), false],
    ['a straight line', [0, 1, 2, 3, 4].map((x) => [x, x] as const), true],
    ['a level line', [0, 1, 2, 3, 4].map((x) => [x, 7] as const), false],
    ['too few points', [0, 1, 2, 3].map((x) => [x, x] as const), false],
    ['all at one time', [0, 1, 2, 3, 4].map((y) => [1, y] as const), false],
  ])('%s', (_, points, growing) => {
    expect(isGrowing(points)).toBe(growing);
  });
});

describe('watch', () => {
  const firstAt = (inFlight: (s: number) => number, ttftMs: (s: number) => number | null) => {
    const watch = watchSaturation();
    for (let s = 1; s <= 200; s += 1) {
      if (watch.add({ atMs: s * 1_000, inFlight: inFlight(s), ttftMs: ttftMs(s) })) return s;
    }
    return null;
  };

  test('both grow: it says so as soon as it may judge', () => {
    const seen = firstAt(
      (s) => 10 + s,
      (s) => 100 + 5 * s,
    );
    expect(seen).toBe(30);
  });

  test.each([
    ['only requests in flight grow', (s: number) => s, () => 100],
    ['only TTFT grows', () => 10, (s: number) => s],
    ['nothing comes back', (s: number) => s, () => null],
  ])('%s: it goes on', (_, inFlight, ttftMs) => {
    expect(firstAt(inFlight, ttftMs)).toBeNull();
  });

  test('a start that settled is forgotten after two minutes', () => {
    const watch = watchSaturation(125_000);
    const seen = Array.from({ length: 300 }, (_, s) => {
      const level = Math.min(s, 20);
      return watch.add({ atMs: s * 1_000, inFlight: level, ttftMs: level });
    });
    expect(seen.slice(145)).not.toContain(true);
  });
});
