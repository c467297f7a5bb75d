import { expect, test } from 'vitest';
import { simulateSharing } from '../support/simulation/scheduler-sharing.ts';

/*
 * The scheduler under tenants who always want more, callers who leave and replicas that die. Seeds
 * are the same every time, but for some that are new and printed when they fail.
 */

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

test('the same seed is the same story', () => {
  expect(simulateSharing(7, { steps: 500 })).toEqual(simulateSharing(7, { steps: 500 }));
});

test('what two who always wait are served stays as close as VTC promises, by their weights', () => {
  let [deaths, left, unavailable] = [0, 0, 0];
  for (const seed of [...SEEDS, ...newSeeds(20)]) {
    const report = simulateSharing(seed, { steps: 1_000 });
    expect(report.worstGap, `seed ${seed}`).toBeLessThan(1);
    expect(report.leases, `seed ${seed}`).toBeGreaterThan(50);
    deaths += report.deaths;
    left += report.left;
    unavailable += report.unavailable;
  }
  // A simulation in which nothing happens proves nothing.
  expect(Math.min(deaths, left, unavailable)).toBeGreaterThan(100);
});

test('without counters by tenant the same measure is far beyond it', () => {
  for (const seed of SEEDS.slice(0, 10)) {
    const report = simulateSharing(seed, { steps: 2_000, isUnfair: true });
    expect(report.worstGap, `seed ${seed}`).toBeGreaterThan(1);
  }
});

function newSeeds(count: number): readonly number[] {
  return [...crypto.getRandomValues(new Uint32Array(count))];
}
