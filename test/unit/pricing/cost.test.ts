import { describe, expect, test } from 'vitest';
import type { Price, Rates } from '../../../src/core/price.ts';
import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import { costOf, RATE_NAMES } from '../../../src/pricing/cost.ts';
import { priceFromUsdPerMillion, type UsdPrice } from '../../../src/pricing/price-from-usd.ts';
import { aPrice } from '../../support/request-rows.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';

const price = priceFromUsdPerMillion;

const EVERY_RATE = {
  ...{ input: 1, cachedInput: 10, cacheWrite: 100, audioInput: 1_000, imageInput: 10_000 },
  ...{ output: 2, reasoning: 20, audioOutput: 200, imageOutput: 2_000 },
};
/** Input 100 = 50 text + 1 + 2 + 3 + 44; output 100 = 40 text + 10 + 20 + 30. */
const EVERY_PART: Usage = {
  ...{ inputTokens: 100, cachedInputTokens: 1, cacheWriteTokens: 2, audioInputTokens: 3 },
  imageInputTokens: 44,
  ...{ outputTokens: 100, reasoningTokens: 10, audioOutputTokens: 20, imageOutputTokens: 30 },
};

describe('cost in nano-dollars', () => {
  test.each<[string, Partial<Usage>, UsdPrice, number]>([
    ['nothing', {}, { input: 1, output: 1 }, 0],
    ['one token at $1 per million', { inputTokens: 1 }, { input: 1, output: 9 }, 1_000],
    ['a million at $0.12', { inputTokens: 1_000_000 }, { input: 0.12, output: 9 }, 120_000_000],
    ['both directions', { inputTokens: 10, outputTokens: 20 }, { input: 3, output: 15 }, 330_000],
    [
      'cached is a part of input',
      { inputTokens: 10, cachedInputTokens: 4 },
      { input: 3, cachedInput: 0.3, output: 9 },
      19_200,
    ],
    [
      'all cached',
      { inputTokens: 10, cachedInputTokens: 10 },
      { input: 3, cachedInput: 0, output: 9 },
      0,
    ],
    [
      'written to the cache is dearer than read from it',
      { inputTokens: 10, cachedInputTokens: 4, cacheWriteTokens: 5 },
      { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 9 },
      3_000 + 1_200 + 18_750,
    ],
    [
      'reasoning is a part of output',
      { outputTokens: 10, reasoningTokens: 4 },
      { input: 1, output: 1, reasoning: 2 },
      14_000,
    ],
    [
      'every part at its own rate',
      EVERY_PART,
      EVERY_RATE,
      (50 + 10 + 200 + 3_000 + 440_000 + 80 + 200 + 4_000 + 60_000) * 1_000,
    ],
    ['parts cost as much as their whole unless said', EVERY_PART, { input: 1, output: 2 }, 300_000],
    ['a fraction is rounded up', { inputTokens: 1 }, { input: 0.000_001, output: 0 }, 1],
    [
      'once, for all parts',
      { inputTokens: 1, outputTokens: 1 },
      { input: 0.000_4, output: 0.000_6 },
      1,
    ],
    ['not when there is none', { inputTokens: 1_000 }, { input: 0.000_001, output: 0 }, 1],
    ['free', EVERY_PART, { input: 0, output: 0 }, 0],
    [
      'parts larger than their whole, the first counts',
      { inputTokens: 5, cachedInputTokens: 50, audioInputTokens: 9 },
      { input: 1, cachedInput: 2, audioInput: 7, output: 0 },
      10_000,
    ],
  ])('%s', (_, tokens, usd, nanoUsd) => {
    expect(costOf({ ...NO_USAGE, ...tokens }, price(usd), 0)).toBe(nanoUsd);
  });

  test.each([[-5], [Number.NaN], [Number.POSITIVE_INFINITY]])(
    'usage of %d tokens is a bug, not a refund',
    (inputTokens) => {
      const usage = { ...NO_USAGE, inputTokens };
      expect(() => costOf(usage, price({ input: 1.5, output: 1 }), 0)).toThrow();
    },
  );
});

describe('tiers', () => {
  const tiered = price({
    ...{ input: 1, cachedInput: 0.5, output: 10 },
    tiers: [
      { aboveInputTokens: 1_000, input: 4, output: 30 },
      { aboveInputTokens: 100, input: 2, cachedInput: 1, output: 20 },
    ],
  });

  test.each([
    ['up to the threshold the base price', 100, 100 + 10 * 5],
    ['one token above, every token is in the next tier', 101, 2 * 101 + 20 * 5],
    ['up to the next threshold', 1_000, 2 * 1_000 + 20 * 5],
    ['the last tier', 1_001, 4 * 1_001 + 30 * 5],
  ])('%s', (_, inputTokens, microUsd) => {
    const usage = { ...NO_USAGE, inputTokens, outputTokens: 5 };
    expect(costOf(usage, tiered, 0)).toBe(microUsd * 1_000);
  });

  test('cached tokens count for the threshold and cost the rate of the tier', () => {
    const usage = { ...NO_USAGE, inputTokens: 101, cachedInputTokens: 100 };
    expect(costOf(usage, tiered, 0)).toBe((2 + 100) * 1_000);
  });
});

describe('GPU time', () => {
  const HOUR_US = 3_600_000_000;

  test.each([
    ['an hour of four GPUs at $2.50', price({ input: 0, output: 0, gpuHour: 10 }), HOUR_US, 10e9],
    ['a second', price({ input: 0, output: 0, gpuHour: 3.6 }), 1_000_000, 1_000_000],
    ['a microsecond is rounded up', price({ input: 0, output: 0, gpuHour: 2.5 }), 1, 1],
    ['none', price({ input: 0, output: 0, gpuHour: 2.5 }), 0, 0],
    ['time that costs nothing', price({ input: 0, output: 0 }), HOUR_US, 0],
  ])('%s', (_, gpuPrice, gpuUs, nanoUsd) => {
    expect(costOf(NO_USAGE, gpuPrice, gpuUs)).toBe(nanoUsd);
  });

  test('is added to the tokens before anything is rounded', () => {
    // 0.5 nano-dollars of tokens and 0.5 of time.
    const both = aPrice({ input: 500, output: 0, gpuHour: 1_800_000 });
    expect(costOf({ ...NO_USAGE, inputTokens: 1 }, both, 1)).toBe(1);
  });
});

/** Any size from nothing to what a column can hold, small ones as often as large ones. */
function someSize(random: SeededRandom, digits: number): number {
  return random.int(10 ** random.int(digits));
}

function someUsage(random: SeededRandom): Usage {
  const part = (left: number) => (random.int(3) === 0 ? 0 : random.int(left + 1));
  const inputTokens = someSize(random, 10);
  const cachedInputTokens = part(inputTokens);
  const cacheWriteTokens = part(inputTokens - cachedInputTokens);
  const audioInputTokens = part(inputTokens - cachedInputTokens - cacheWriteTokens);
  const outputTokens = someSize(random, 10);
  const reasoningTokens = part(outputTokens);
  const imageOutputTokens = part(outputTokens - reasoningTokens);
  return {
    ...{ inputTokens, cachedInputTokens, cacheWriteTokens, audioInputTokens },
    imageInputTokens: 0,
    ...{ outputTokens, reasoningTokens, audioOutputTokens: 0, imageOutputTokens },
  };
}

function someRates(random: SeededRandom): Rates {
  const rates = RATE_NAMES.map((name) => [name, someSize(random, 9)]);
  return Object.fromEntries(rates) as unknown as Rates;
}

function somePrice(random: SeededRandom): Price {
  const tiers = [someSize(random, 9), someSize(random, 9)]
    .toSorted((a, b) => a - b)
    .map((aboveInputTokens) => ({ aboveInputTokens, ...someRates(random) }));
  const gpuHour = random.int(2) === 0 ? 0 : someSize(random, 14);
  return { ...someRates(random), tiers: tiers.slice(random.int(3)), gpuHour };
}

/** The same in words of its own: nothing but bigints and fractions of 3.6 million. */
function expectedCost(usage: Usage, { tiers, gpuHour, ...base }: Price, gpuUs: number): bigint {
  const rates = tiers.findLast((tier) => usage.inputTokens > tier.aboveInputTokens) ?? base;
  const inputParts = [
    [usage.cachedInputTokens, rates.cachedInput],
    [usage.cacheWriteTokens, rates.cacheWrite],
    [usage.audioInputTokens, rates.audioInput],
    [usage.imageInputTokens, rates.imageInput],
  ] as const;
  const outputParts = [
    [usage.reasoningTokens, rates.reasoning],
    [usage.audioOutputTokens, rates.audioOutput],
    [usage.imageOutputTokens, rates.imageOutput],
  ] as const;
  let sum = 0n;
  let input = BigInt(usage.inputTokens);
  let output = BigInt(usage.outputTokens);
  for (const [tokens, rate] of inputParts) {
    sum += BigInt(tokens) * BigInt(rate);
    input -= BigInt(tokens);
  }
  for (const [tokens, rate] of outputParts) {
    sum += BigInt(tokens) * BigInt(rate);
    output -= BigInt(tokens);
  }
  sum += input * BigInt(rates.input) + output * BigInt(rates.output);
  const fine = sum * 3_600n + BigInt(gpuHour) * BigInt(gpuUs);
  return fine / 3_600_000n + (fine % 3_600_000n > 0n ? 1n : 0n);
}

test('agrees with bigint arithmetic on random usage and prices, far beyond 2^53 too', () => {
  const random = createSeededRandom(11);
  let large = 0;
  for (let round = 0; round < 10_000; round += 1) {
    const usage = someUsage(random);
    const somewhat = somePrice(random);
    const gpuUs = someSize(random, 12);
    const expected = expectedCost(usage, somewhat, gpuUs);
    if (expected * 3_600n > 2n ** 53n) large += 1;
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    expect(BigInt(costOf(usage, somewhat, gpuUs))).toBe(expected > most ? most : expected);
  }
  expect(large).toBeGreaterThan(500);
});

test('stops at 2^53 and does not throw', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const dear = aPrice({ input: 1e15, output: 1e15, gpuHour: most });
  const usage = { ...NO_USAGE, inputTokens: most, outputTokens: most };
  expect(costOf(usage, dear, most)).toBe(most);
});
