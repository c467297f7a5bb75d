import { describe, expect, test } from 'vitest';
import { priceFromUsdPerMillion as price } from '../../../src/pricing/price-from-usd.ts';

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
    [2.1 * 3, 6_300_000],
    [0, 0],
  ])('%d dollars are %d micro-dollars', (usd, microUsd) => {
    expect(price({ input: usd, output: 0 }).input).toBe(microUsd);
    expect(price({ input: 0, output: 0, gpuHour: usd }).gpuHour).toBe(microUsd);
  });

  test('every price with up to six decimals is exact', () => {
    for (let microUsd = 0; microUsd < 2_000_000; microUsd += 397) {
      expect(price({ input: Number(`${microUsd}e-6`), output: 0 }).input).toBe(microUsd);
    }
  });

  test('what is left out costs what its whole costs', () => {
    const input = 3_000_000;
    const output = 15_000_000;
    expect(price({ input: 3, output: 15 })).toEqual({
      ...{ input, cachedInput: input, cacheWrite: input, audioInput: input, imageInput: input },
      ...{ output, reasoning: output, audioOutput: output, imageOutput: output },
      ...{ tiers: [], gpuHour: 0 },
    });
  });

  test.each([
    'cachedInput',
    'cacheWrite',
    'audioInput',
    'imageInput',
    'reasoning',
    'audioOutput',
    'imageOutput',
  ] as const)('%s can be free', (name) => {
    const { tiers: _, gpuHour: __, ...rates } = price({ input: 3, output: 15, [name]: 0 });
    const free = Object.entries(rates).filter(([, rate]) => rate === 0);
    expect(free).toEqual([[name, 0]]);
  });

  test('a tier follows its own input and output, and tiers are in order', () => {
    const { tiers } = price({
      ...{ input: 1, cachedInput: 0.1, output: 2 },
      tiers: [
        { aboveInputTokens: 500, input: 5, output: 6 },
        { aboveInputTokens: 200, input: 3, cachedInput: 0.3, output: 4, reasoning: 8 },
      ],
    });
    expect(tiers).toEqual([
      {
        aboveInputTokens: 200,
        ...{ input: 3_000_000, cachedInput: 300_000, cacheWrite: 3_000_000 },
        ...{ audioInput: 3_000_000, imageInput: 3_000_000 },
        ...{ output: 4_000_000, reasoning: 8_000_000 },
        ...{ audioOutput: 4_000_000, imageOutput: 4_000_000 },
      },
      expect.objectContaining({ aboveInputTokens: 500, cachedInput: 5_000_000 }),
    ]);
  });

  test.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], [1e12]])('%d is refused', (usd) => {
    expect(() => price({ input: usd, output: 0 })).toThrow();
  });
});
