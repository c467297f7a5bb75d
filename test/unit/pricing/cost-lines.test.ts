import { expect, test } from 'vitest';
import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import { costInLines } from '../../../src/pricing/cost-lines.ts';
import { aPrice } from '../../support/request-rows.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const USAGE: Usage = {
  ...NO_USAGE,
  ...{ inputTokens: 1_003, cachedInputTokens: 3, outputTokens: 7, reasoningTokens: 7 },
};

test('every part that was used is a line, exact to a trillionth of a dollar', () => {
  const price = aPrice({ input: 37_500, cachedInput: 1, output: 600_000, gpuHour: 2_000_000 });
  expect(costInLines(USAGE, price, 1)).toEqual({
    lines: [
      { what: 'input', count: 1_000, rate: 37_500, picoUsd: 37_500_000n },
      { what: 'cachedInput', count: 3, rate: 1, picoUsd: 3n },
      { what: 'reasoning', count: 7, rate: 600_000, picoUsd: 4_200_000n },
      // 2 dollars an hour are 555.55… trillionths a microsecond.
      { what: 'gpuTime', count: 1, rate: 2_000_000, picoUsd: 556n },
    ],
    aboveInputTokens: null,
    picoUsd: 41_700_559n,
    costNanoUsd: 41_701,
  });
});

test('a long input is priced by its tier', () => {
  const { tiers: _, gpuHour: __, ...rates } = aPrice({ input: 2, output: 2 });
  const tiers = [500, 1_000, 1_003].map((aboveInputTokens) => ({ ...rates, aboveInputTokens }));
  const found = costInLines(USAGE, aPrice({ input: 1, output: 1, tiers }), 0);
  expect(found.aboveInputTokens).toBe(1_000);
  expect(found.lines.map(({ rate }) => rate)).toEqual([2, 2, 2]);
});

test('the lines of any request sum to its cost, rounded up once', () => {
  const random = createSeededRandom(7);
  const upTo = (most: number) => Math.floor(random.next() * most);
  for (let round = 0; round < 2_000; round += 1) {
    const usage = {
      ...{ inputTokens: upTo(9_000), cachedInputTokens: upTo(3_000) },
      ...{
        cacheWriteTokens: upTo(3_000),
        audioInputTokens: upTo(3_000),
        imageInputTokens: upTo(9),
      },
      ...{ outputTokens: upTo(900), reasoningTokens: upTo(300) },
      ...{ audioOutputTokens: upTo(300), imageOutputTokens: upTo(30) },
    };
    const price = aPrice({
      ...{ input: upTo(99_999), output: upTo(999_999), cachedInput: upTo(9_999) },
      gpuHour: round % 2 === 0 ? 0 : upTo(9_000_000),
    });
    const { picoUsd, costNanoUsd } = costInLines(usage, price, upTo(1e7));
    expect((picoUsd + 999n) / 1_000n).toBe(BigInt(costNanoUsd));
  }
});
