import { describe, expect, test } from 'vitest';
import type { Price } from '../../../src/core/price.ts';
import type { Usage } from '../../../src/core/usage.ts';
import { costOf } from '../../../src/pricing/cost.ts';
import {
  holdFor,
  outputThatFits,
  tokensHeldFor,
  type WorstCase,
} from '../../../src/pricing/hold.ts';
import { priceFromUsdPerMillion, type UsdRates } from '../../../src/pricing/price-from-usd.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';

const WORST: WorstCase = { inputTokens: 10, maxOutputTokens: 100, choices: 1, maxGpuMs: 0 };
const price = priceFromUsdPerMillion;

describe('what is held', () => {
  test('the prompt once, the output for every choice', () => {
    expect(holdFor({ ...WORST, choices: 3 }, price({ input: 1, output: 2 }))).toBe(610_000);
    expect(tokensHeldFor({ ...WORST, choices: 3 })).toBe(310);
  });

  test.each([
    ['cachedInput', 40_000],
    ['cacheWrite', 40_000],
    ['audioInput', 40_000],
    ['imageInput', 40_000],
    ['reasoning', 400_000],
    ['audioOutput', 400_000],
    ['imageOutput', 400_000],
  ] as const)('%s dearer than the rest is what its direction is held at', (name, part) => {
    const rest = part === 40_000 ? 100_000 : 10_000;
    expect(holdFor(WORST, price({ input: 1, output: 1, [name]: 4 }))).toBe(part + rest);
  });

  test('time as if it ran alone to its deadline', () => {
    const hourly = price({ input: 0, output: 0, gpuHour: 3.6 });
    expect(holdFor({ ...WORST, maxGpuMs: 900_000 }, hourly)).toBe(900_000_000);
    expect(holdFor({ ...WORST, maxGpuMs: 0.000_1 }, hourly)).toBe(1);
  });

  test('absurd bounds hold the most there is, and do not throw', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const worst = { ...WORST, maxOutputTokens: most, choices: 1e6, maxGpuMs: most };
    expect(holdFor(worst, price({ input: 1_000, output: 1_000, gpuHour: 1_000 }))).toBe(most);
    expect(tokensHeldFor(worst)).toBe(most);
  });
});

describe('tiers', () => {
  const tiered = price({
    ...{ input: 1, output: 10 },
    tiers: [{ aboveInputTokens: 200_000, input: 2, output: 15 }],
  });
  const held = (inputTokens: number) => holdFor({ ...WORST, inputTokens }, tiered);

  test.each([
    ['far below the threshold', 100_000, 100_000_000 + 1_000_000],
    ['an estimate that may be half of the truth', 100_001, 200_002_000 + 1_500_000],
    ['above it', 200_001, 400_002_000 + 1_500_000],
  ])('%s', (_, inputTokens, nanoUsd) => {
    expect(held(inputTokens)).toBe(nanoUsd);
  });

  test('a tier that is cheaper never lowers the hold', () => {
    const cheaper = price({
      ...{ input: 2, output: 20 },
      tiers: [{ aboveInputTokens: 1_000, input: 1, output: 1 }],
    });
    const flat = price({ input: 2, output: 20 });
    const worst = { ...WORST, inputTokens: 5_000 };
    expect(holdFor(worst, cheaper)).toBe(holdFor(worst, flat));
  });
});

function someRates(random: SeededRandom): UsdRates {
  const usd = () => random.int(1_000) / 100;
  return {
    ...{ input: usd(), cachedInput: usd(), cacheWrite: usd(), audioInput: usd() },
    ...{ imageInput: usd(), output: usd(), reasoning: usd(), audioOutput: usd() },
    imageOutput: usd(),
  };
}

function somePrice(random: SeededRandom): Price {
  const tiers = Array.from({ length: random.int(3) }, () => ({
    aboveInputTokens: random.int(6_000),
    ...someRates(random),
  }));
  return price({ ...someRates(random), tiers, gpuHour: random.int(2) * random.int(50) });
}

function someWorst(random: SeededRandom): WorstCase {
  return {
    inputTokens: random.int(5_000),
    maxOutputTokens: random.int(5_000),
    choices: 1 + random.int(4),
    maxGpuMs: random.int(10_000),
  };
}

/** Usage inside the bounds, its parts cut at random places. */
function someUsage(random: SeededRandom, worst: WorstCase): Usage {
  const inputTokens = random.int(worst.inputTokens + 1);
  const outputTokens = random.int(worst.maxOutputTokens * worst.choices + 1);
  const cuts = (whole: number) => [0, 0, 0].map(() => random.int(whole + 1)).toSorted(ascending);
  const [a = 0, b = 0, c = 0] = cuts(inputTokens);
  const [d = 0, e = 0, f = 0] = cuts(outputTokens);
  return {
    ...{ inputTokens, cachedInputTokens: a, cacheWriteTokens: b - a },
    ...{ audioInputTokens: c - b, imageInputTokens: inputTokens - c },
    ...{ outputTokens, reasoningTokens: d, audioOutputTokens: e - d, imageOutputTokens: f - e },
  };
}

const ascending = (a: number, b: number) => a - b;

test('no settlement inside the bounds exceeds the hold', () => {
  const random = createSeededRandom(3);
  for (let round = 0; round < 5_000; round += 1) {
    const somewhat = somePrice(random);
    const worst = someWorst(random);
    const gpuUs = random.int(worst.maxGpuMs * 1_000 + 1);
    const cost = costOf(someUsage(random, worst), somewhat, gpuUs);
    expect(cost).toBeLessThanOrEqual(holdFor(worst, somewhat));
  }
});

describe('the longest output that fits', () => {
  test('is the last one whose hold does', () => {
    const random = createSeededRandom(5);
    let shortened = 0;
    let hopeless = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const somewhat = random.int(5) === 0 ? null : somePrice(random);
      const worst = someWorst(random);
      const most = somewhat === null ? 0 : holdFor(worst, somewhat);
      const roomNanoUsd = random.int(5) === 0 ? Infinity : random.int(Math.ceil(most * 1.3) + 2);
      const roomTokens = random.int(2) === 0 ? Infinity : random.int(tokensHeldFor(worst) + 99);
      const fits = (maxOutputTokens: number) => {
        const shorter = { ...worst, maxOutputTokens };
        const cost = somewhat === null ? 0 : holdFor(shorter, somewhat);
        return cost <= roomNanoUsd && tokensHeldFor(shorter) <= roomTokens;
      };
      const output = outputThatFits(roomNanoUsd, roomTokens, worst, somewhat);
      if (output === null) {
        hopeless += 1;
        expect(worst.maxOutputTokens === 0 || !fits(1)).toBe(true);
        continue;
      }
      expect(fits(output)).toBe(true);
      expect(output).toBeGreaterThanOrEqual(1);
      if (output === worst.maxOutputTokens) continue;
      shortened += 1;
      expect(output).toBeLessThan(worst.maxOutputTokens);
      expect(fits(output + 1)).toBe(false);
    }
    expect(shortened).toBeGreaterThan(1_000);
    expect(hopeless).toBeGreaterThan(500);
  });

  test.each([
    ['everything', 1e9, 1e9, 100],
    ['as much as the money allows', 10_000 + 20_000 * 7 + 19_999, 1e9, 7],
    ['as much as the tokens allow', 1e9, 10 + 2 * 5 + 1, 5],
    ['one token', 30_000, 1e9, 1],
    ['not one', 29_999, 1e9, null],
    ['not even the input', 0, 1e9, null],
  ])('%s', (_, roomNanoUsd, roomTokens, expected) => {
    const rate = price({ input: 1, output: 10 });
    const worst = { ...WORST, choices: 2 };
    expect(outputThatFits(roomNanoUsd, roomTokens, worst, rate)).toBe(expected);
  });

  test('output that costs nothing is not shortened for money', () => {
    const free = price({ input: 1, output: 0 });
    expect(outputThatFits(10_000, Infinity, WORST, free)).toBe(100);
  });
});
