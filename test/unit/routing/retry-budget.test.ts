import { describe, expect, test } from 'vitest';
import { createRetryBudget } from '../../../src/routing/retry-budget.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

/** Takes until it is refused. */
function takeAll(budget: ReturnType<typeof createRetryBudget>, nowMs: number): number {
  for (let taken = 0; ; taken++) if (!budget.take('gpu0', nowMs)) return taken;
}

describe('the retry budget of a backend', () => {
  test.each([
    [0, 3],
    [10, 3],
    [15, 3],
    [20, 4],
    [100, 20],
    [104, 20],
    [105, 21],
  ])('after %i requests allows %i retries', (requests, retries) => {
    const budget = createRetryBudget({ ratio: 0.2 });
    for (let count = 0; count < requests; count++) budget.count('gpu0', 5_000);
    expect(takeAll(budget, 5_000)).toBe(retries);
    expect([budget.taken, budget.refused]).toEqual([retries, 1]);
  });

  test('forgets requests and retries after ten seconds', () => {
    const budget = createRetryBudget({ ratio: 0.2 });
    for (let count = 0; count < 100; count++) budget.count('gpu0', 0);
    expect(takeAll(budget, 9_999)).toBe(20);
    expect(takeAll(budget, 10_000)).toBe(0); // The requests are gone, the retries are not.
    expect(takeAll(budget, 19_000)).toBe(3);
  });

  test('is its own', () => {
    const budget = createRetryBudget({ ratio: 0.2 });
    takeAll(budget, 0);
    expect(budget.take('gpu1', 0)).toBe(true);
    for (let count = 0; count < 100; count++) budget.count('gpu1', 0);
    expect(budget.take('gpu0', 0)).toBe(false);
  });

  test('takes another ratio after a reload, and keeps its counts', () => {
    const budget = createRetryBudget({ ratio: 0 });
    for (let count = 0; count < 100; count++) budget.count('gpu0', 0);
    expect(takeAll(budget, 0)).toBe(3);
    budget.replaceRatio(0.1);
    expect(takeAll(budget, 0)).toBe(7);
  });

  test('survives a clock that starts anywhere and long silences', () => {
    const budget = createRetryBudget({ ratio: 0.2 });
    expect(takeAll(budget, -12_345.6)).toBe(3);
    expect(takeAll(budget, 1e12)).toBe(3);
    expect(takeAll(budget, 1e12 + 0.5)).toBe(0);
  });

  test('is kept for a bounded number of backends, the latest ones', () => {
    const budget = createRetryBudget({ ratio: 0.2 });
    takeAll(budget, 1_000);
    for (let at = 0; at < 4_095; at++) budget.count(`other${at}`, 2_000);
    expect(budget.take('gpu0', 3_000)).toBe(false);
    budget.count('one-more', 3_000);
    expect(budget.take('gpu0', 3_000)).toBe(false); // Others were used longer ago.
    for (let at = 0; at < 4_096; at++) budget.count(`later${at}`, 4_000);
    expect(budget.take('gpu0', 4_000)).toBe(true);
  });

  // Every request fails and everybody retries three times: the storm.
  test.each([1, 2, 3])('holds a storm to 1.2 times the traffic (seed %i)', (seed) => {
    const budget = createRetryBudget({ ratio: 0.2 });
    const random = createSeededRandom(seed);
    let requests = 0;
    let retries = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += random.int(20)) {
      budget.count('gpu0', nowMs);
      requests++;
      for (let again = 0; again < 3 && budget.take('gpu0', nowMs); again++) retries++;
    }
    expect(retries).toBeGreaterThan(0.15 * requests);
    expect(retries).toBeLessThanOrEqual(0.2 * requests + 3);
  });
});
