import { describe, expect, test } from 'vitest';
import { costOf, priceFromUsdPerMillion } from '../../../src/pricing/cost.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

/** [input, cached part, output, reasoning part] */
type Tokens = readonly [number, number, number, number];

function usage([inputTokens, cachedInputTokens, outputTokens, reasoningTokens]: Tokens) {
  return { inputTokens, cachedInputTokens, outputTokens, reasoningTokens };
}

const price = priceFromUsdPerMillion;

describe('cost in nano-dollars', () => {
  test.each<[string, Tokens, Parameters<typeof price>[0], number]>([
    ['nothing', [0, 0, 0, 0], { input: 1, output: 1 }, 0],
    ['one token at $1 per million', [1, 0, 0, 0], { input: 1, output: 9 }, 1_000],
    ['a million at $0.12', [1_000_000, 0, 0, 0], { input: 0.12, output: 9 }, 120_000_000],
    ['input and output', [10, 0, 20, 0], { input: 3, output: 15 }, 330_000],
    ['cached is a part of input', [10, 4, 0, 0], { input: 3, cachedInput: 0.3, output: 9 }, 19_200],
    ['all cached', [10, 10, 0, 0], { input: 3, cachedInput: 0, output: 9 }, 0],
    ['reasoning is a part of output', [0, 0, 10, 4], { input: 1, output: 1, reasoning: 2 }, 14_000],
    [
      'cached and reasoning cost as much unless said',
      [9, 9, 9, 9],
      { input: 1, output: 2 },
      27_000,
    ],
    ['a fraction of a nano-dollar is rounded up', [1, 0, 0, 0], { input: 0.000_001, output: 0 }, 1],
    ['once, for all parts', [1, 0, 1, 0], { input: 0.000_4, output: 0.000_6 }, 1],
    ['not when there is none', [1_000, 0, 0, 0], { input: 0.000_001, output: 0 }, 1],
    ['free', [5, 1, 5, 1], { input: 0, output: 0 }, 0],
    [
      'parts larger than their whole',
      [5, 50, 5, 50],
      { input: 1, cachedInput: 2, output: 3, reasoning: 4 },
      30_000,
    ],
  ])('%s', (_, tokens, usd, nanoUsd) => {
    expect(costOf(usage(tokens), price(usd))).toBe(nanoUsd);
  });

  test('agrees with bigint arithmetic on random usage, far beyond 2^53 too', () => {
    const random = createSeededRandom(11);
    for (let round = 0; round < 5_000; round += 1) {
      const input = random.int(10 ** random.int(10));
      const output = random.int(10 ** random.int(10));
      const tokens: Tokens = [input, random.int(input + 1), output, random.int(output + 1)];
      const [i, c, o, r] = [0, 1, 2, 3].map(() => random.int(10 ** random.int(9))) as [
        number,
        number,
        number,
        number,
      ];
      const sum =
        BigInt(input - tokens[1]) * BigInt(i) +
        BigInt(tokens[1]) * BigInt(c) +
        BigInt(output - tokens[3]) * BigInt(o) +
        BigInt(tokens[3]) * BigInt(r);
      const cost = costOf(usage(tokens), { input: i, cachedInput: c, output: o, reasoning: r });
      expect(BigInt(cost)).toBe((sum + 999n) / 1_000n);
    }
  });

  test('stops at 2^53 and does not throw', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const dear = { input: 1e15, cachedInput: 1e15, output: 1e15, reasoning: 1e15 };
    expect(costOf(usage([most, 0, most, 0]), dear)).toBe(most);
  });

  test.each([[-5], [Number.NaN], [Number.POSITIVE_INFINITY]])(
    'usage of %d tokens is a bug, not a refund',
    (tokens) => {
      expect(() => costOf(usage([tokens, 0, 0, 0]), price({ input: 1.5, output: 1 }))).toThrow();
    },
  );
});

describe('a price from dollars per million', () => {
  test.each([
    [0.12, 120_000],
    [0.0375, 37_500],
    [1.1, 1_100_000],
    [0.29, 290_000],
    [15, 15_000_000],
    [0.000_001, 1],
    [0.000_000_1, 1],
    [0.123_456_7, 123_457],
    [2.000_000_000_1, 2_000_001],
    [0, 0],
  ])('%d dollars are %d micro-dollars', (usd, microUsd) => {
    expect(price({ input: usd, output: 0 }).input).toBe(microUsd);
  });

  test('every price with up to six decimals is exact', () => {
    for (let microUsd = 0; microUsd < 2_000_000; microUsd += 397) {
      expect(price({ input: Number(`${microUsd}e-6`), output: 0 }).input).toBe(microUsd);
    }
  });

  test('what is left out costs what its whole costs', () => {
    expect(price({ input: 3, output: 15 })).toEqual({
      input: 3_000_000,
      cachedInput: 3_000_000,
      output: 15_000_000,
      reasoning: 15_000_000,
    });
    expect(price({ input: 3, cachedInput: 0, output: 15, reasoning: 0 })).toMatchObject({
      cachedInput: 0,
      reasoning: 0,
    });
  });

  test.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], [1e12]])('%d is refused', (usd) => {
    expect(() => price({ input: usd, output: 0 })).toThrow();
  });
});
