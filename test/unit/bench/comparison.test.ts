import { describe, expect, test } from 'vitest';
import {
  type Difference,
  findDifferences,
  type Pair,
  type Statistic,
} from '../../../src/bench/comparison.ts';
import { createRandom, type Random } from '../../../src/bench/random.ts';

function findDifference(
  pairs: readonly Pair[],
  statistic: Statistic,
  random: Random,
): Difference | null {
  return findDifferences(pairs, [statistic], random)[0] ?? null;
}

/**
 * Rounds of a hundred pairs; the machine is slower in some rounds, the gateway adds `addedMs`, and
 * what else the machine does differs between the two halves of a round by up to `wanderMs`.
 */
function play(
  addedMs: number,
  rounds: number,
  noiseMs: number,
  { seed = 5, wanderMs = 0 } = {},
): Pair[] {
  const random = createRandom(seed, 'pairs');
  const wander = Array.from({ length: rounds }, () => (random.uniform() - 0.5) * 2 * wanderMs);
  return Array.from({ length: rounds * 100 }, (_, at) => {
    const round = Math.floor(at / 100);
    const baseMs = 20 + (round % 3) * 10;
    const noise = () => (random.uniform() - 0.5) * noiseMs;
    return {
      round,
      directMs: baseMs + noise(),
      gatewayMs: baseMs + addedMs + (wander[round] ?? 0) + noise(),
    };
  });
}

const random = () => createRandom(1, 'bootstrap');

describe('difference', () => {
  test('of equal servers holds zero', () => {
    const difference = findDifference(play(0, 20, 4), 'mean', random());
    expect(difference?.lowMs).toBeLessThanOrEqual(0);
    expect(difference?.highMs).toBeGreaterThanOrEqual(0);
  });

  test.each(['mean', 50, 90] as const)('of %s finds what was added', (statistic) => {
    const difference = findDifference(play(1.5, 20, 4), statistic, random());
    expect(difference?.estimateMs).toBeGreaterThan(1.2);
    expect(difference?.estimateMs).toBeLessThan(1.8);
    expect(difference?.lowMs).toBeGreaterThan(0);
    expect(difference?.highMs).toBeLessThan(3);
  });

  test('without noise is exact, and its interval a point', () => {
    const difference = findDifference(play(2, 6, 0), 'mean', random());
    for (const ms of [difference?.estimateMs, difference?.lowMs, difference?.highMs]) {
      expect(ms).toBeCloseTo(2, 9);
    }
  });

  test('covers the truth in about 19 of 20 experiments', () => {
    let covered = 0;
    for (let seed = 0; seed < 40; seed += 1) {
      const difference = findDifference(
        play(1, 12, 6, { seed, wanderMs: 2 }),
        'mean',
        createRandom(seed, 'b'),
      );
      if (difference && difference.lowMs <= 1 && difference.highMs >= 1) covered += 1;
    }
    // 38 are expected; a bootstrap of twelve rounds is a little too sure of itself, and one of
    // single requests finds too few.
    expect(covered).toBeGreaterThanOrEqual(32);
  });

  test('is repeated by its seed', () => {
    const pairs = play(1, 8, 3);
    expect(findDifference(pairs, 50, random())).toEqual(findDifference(pairs, 50, random()));
  });

  test.each([0, 4])('of %d rounds is none', (rounds) => {
    expect(findDifference(play(1, rounds, 1), 'mean', random())).toBeNull();
  });

  test('of ten thousand pairs is found as well', () => {
    const difference = findDifference(play(1, 100, 2), 50, random());
    expect(difference?.lowMs).toBeGreaterThan(0);
  });
});
