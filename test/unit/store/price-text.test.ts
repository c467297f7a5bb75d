import { expect, test } from 'vitest';
import type { Price } from '../../../src/core/price.ts';
import { priceFromUsdPerMillion } from '../../../src/pricing/price-from-usd.ts';
import { fromPriceText, toPriceText } from '../../../src/store/price-text.ts';

const PRICE = priceFromUsdPerMillion({
  ...{ input: 1, cachedInput: 0.1, cacheWrite: 1.25, audioInput: 7, imageInput: 8 },
  ...{ output: 4, reasoning: 5, audioOutput: 9, imageOutput: 10 },
  tiers: [{ aboveInputTokens: 200_000, input: 2, output: 8 }],
  gpuHour: 10,
});

test('the text is what the books and the hash chain rely on', () => {
  expect(toPriceText(PRICE)).toBe(
    '{"input":1000000,"cached_input":100000,"cache_write":1250000,"audio_input":7000000,' +
      '"image_input":8000000,"output":4000000,"reasoning":5000000,"audio_output":9000000,' +
      '"image_output":10000000,"tiers":[{"above_input_tokens":200000,"input":2000000,' +
      '"cached_input":2000000,"cache_write":2000000,"audio_input":2000000,' +
      '"image_input":2000000,"output":8000000,"reasoning":8000000,"audio_output":8000000,' +
      '"image_output":8000000}],"gpu_hour":10000000}',
  );
});

test('reads back what it wrote', () => {
  expect(fromPriceText(toPriceText(PRICE))).toEqual(PRICE);
});

test('equal prices have equal texts, in whatever order they were made', () => {
  const { gpuHour, tiers, ...rates } = PRICE;
  const backwards = Object.fromEntries(Object.entries(rates).toReversed()) as unknown as Price;
  expect(toPriceText({ gpuHour, tiers, ...backwards })).toBe(toPriceText(PRICE));
});
