import { expect, test } from 'vitest';
import type { Price, Rates } from '../../../src/core/price.ts';
import { fromPriceText, toPriceText } from '../../../src/store/price-text.ts';
import { aPrice } from '../../support/request-rows.ts';

const everyRate: Rates = {
  input: 1,
  cachedInput: 2,
  cacheWrite: 3,
  audioInput: 4,
  imageInput: 5,
  output: 6,
  reasoning: 7,
  audioOutput: 8,
  imageOutput: 9,
};

const cases: [string, Price, string][] = [
  ['one rate each way', aPrice({ input: 2, output: 5 }), '{"input":2,"output":5}'],
  ['a free one', aPrice({ input: 0, output: 0 }), '{"input":0,"output":0}'],
  [
    'a part that costs nothing',
    aPrice({ input: 2, cachedInput: 0, output: 5, reasoning: 0 }),
    '{"input":2,"cached_input":0,"output":5,"reasoning":0}',
  ],
  [
    'all there is',
    { ...everyRate, tiers: [{ aboveInputTokens: 200_000, ...everyRate, input: 2 }], gpuHour: 10 },
    '{"input":1,"cached_input":2,"cache_write":3,"audio_input":4,"image_input":5,"output":6,"reasoning":7,"audio_output":8,"image_output":9,"tiers":[{"above_input_tokens":200000,"input":2,"cache_write":3,"audio_input":4,"image_input":5,"output":6,"reasoning":7,"audio_output":8,"image_output":9}],"gpu_hour":10}',
  ],
];

test.each(cases)('%s', (_name, price, text) => {
  expect(toPriceText(price)).toBe(text);
  expect(fromPriceText(text)).toEqual(price);
});
