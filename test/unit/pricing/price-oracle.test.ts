import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  calcPrice,
  extractUsage,
  findProvider,
  type ModelPrice,
  type TieredPrices,
} from '@pydantic/genai-prices';
import { describe, expect, test } from 'vitest';
import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import { costOf } from '../../../src/pricing/cost.ts';
import {
  priceFromUsdPerMillion,
  type UsdPrice,
  type UsdRates,
} from '../../../src/pricing/price-from-usd.ts';
import { findRoute } from '../../../src/protocols/route.ts';
import { createSeededRandom, type SeededRandom } from '../../support/seeded-random.ts';

/*
 * A price calculator that others wrote, with the price lists of the vendors: the same rates and the
 * same usage must come to the same money. Its prices depend on the date, so the date is fixed.
 */
const WHEN = new Date('2026-11-20T12:00:00Z');

const MODELS = Object.entries({
  openai: [
    ...['gpt-4.1', 'gpt-4.1-mini', 'gpt-5', 'gpt-5-mini', 'gpt-5-nano', 'gpt-5-pro', 'gpt-5.2'],
    ...['gpt-5.4', 'gpt-5.4-pro', 'gpt-5.5', 'gpt-5.6-sol', 'gpt-6-astra', 'gpt-6-luna'],
    ...['o4-mini', 'gpt-audio', 'gpt-audio-mini', 'gpt-4o-transcribe', 'gpt-4o-mini-tts'],
    ...['gpt-image-1.5', 'gpt-image-1-mini'],
  ],
  anthropic: [
    ...['claude-3-haiku', 'claude-haiku-4-5', 'claude-sonnet-4-5', 'claude-sonnet-5'],
    ...['claude-opus-5', 'claude-opus-5-5'],
  ],
  google: [
    ...['gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-3-pro-preview', 'gemini-3.1-flash-lite'],
    ...['gemini-2.5-flash-image', 'gemini-3.6-flash'],
  ],
  'x-ai': ['grok-4.20', 'grok-4.6'],
  deepseek: ['deepseek-v4-flash', 'deepseek-v4-pro'],
}).flatMap(([provider, models]) => models.map((model) => [provider, model] as const));

/** The names of the parts there and here. */
const RATES = {
  input_mtok: 'input',
  cache_read_mtok: 'cachedInput',
  cache_write_mtok: 'cacheWrite',
  input_audio_mtok: 'audioInput',
  input_image_mtok: 'imageInput',
  output_mtok: 'output',
  output_reasoning_mtok: 'reasoning',
  output_audio_mtok: 'audioOutput',
  output_image_mtok: 'imageOutput',
} as const satisfies Record<string, keyof UsdRates>;

function rateAt(rate: number | TieredPrices, inputTokens: number): number {
  if (typeof rate === 'number') return rate;
  return rate.tiers.findLast(({ start }) => inputTokens > start)?.price ?? rate.base;
}

function ratesAbove(prices: ModelPrice, aboveInputTokens: number): UsdRates {
  const rates = Object.entries(RATES).flatMap(([theirs, ours]) => {
    const rate = prices[theirs];
    return rate === undefined ? [] : [[ours, rateAt(rate, aboveInputTokens + 1)]];
  });
  return { input: 0, output: 0, ...Object.fromEntries(rates) };
}

function thresholdsOf(prices: ModelPrice): number[] {
  const starts = Object.values(prices).flatMap((rate) =>
    typeof rate === 'object' ? rate.tiers.map(({ start }) => start) : [],
  );
  return [...new Set(starts)];
}

/** The vendor's list as an operator would write it into the configuration. */
function toUsdPrice(prices: ModelPrice): UsdPrice {
  const tiers = thresholdsOf(prices).map((aboveInputTokens) => ({
    aboveInputTokens,
    ...ratesAbove(prices, aboveInputTokens),
  }));
  return { ...ratesAbove(prices, -1), tiers };
}

/** What they make of it, in nano-dollars, with the fraction that floats leave. */
function theirNanoUsd([provider, model]: readonly [string, string], usage: Usage): number {
  const calculated = calcPrice(
    {
      input_tokens: usage.inputTokens,
      cache_read_tokens: usage.cachedInputTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      input_audio_tokens: usage.audioInputTokens,
      input_image_tokens: usage.imageInputTokens,
      output_tokens: usage.outputTokens,
      output_reasoning_tokens: usage.reasoningTokens,
      output_audio_tokens: usage.audioOutputTokens,
      output_image_tokens: usage.imageOutputTokens,
      // Parts are disjoint here, so nothing is two things at once.
      ...{ cache_audio_read_tokens: 0, cache_image_read_tokens: 0 },
      ...{ cache_write_1h_tokens: 0, cache_audio_write_tokens: 0, cache_image_write_tokens: 0 },
    },
    model,
    { providerId: provider, timestamp: WHEN },
  );
  if (calculated === null) throw new Error(`no price for ${model}`);
  return calculated.total_price * 1e9;
}

function someUsage(random: SeededRandom, inputTokens: number): Usage {
  const part = (left: number) => (random.int(3) === 0 ? 0 : random.int(left + 1));
  const outputTokens = random.int(10 ** random.int(6));
  const cachedInputTokens = part(inputTokens);
  const cacheWriteTokens = part(inputTokens - cachedInputTokens);
  const audioInputTokens = part(inputTokens - cachedInputTokens - cacheWriteTokens);
  const imageInputTokens = part(
    inputTokens - cachedInputTokens - cacheWriteTokens - audioInputTokens,
  );
  const reasoningTokens = part(outputTokens);
  const audioOutputTokens = part(outputTokens - reasoningTokens);
  const imageOutputTokens = part(outputTokens - reasoningTokens - audioOutputTokens);
  return {
    ...{ inputTokens, cachedInputTokens, cacheWriteTokens, audioInputTokens, imageInputTokens },
    ...{ outputTokens, reasoningTokens, audioOutputTokens, imageOutputTokens },
  };
}

test('there are enough of them, of every kind', () => {
  expect(MODELS.length).toBeGreaterThanOrEqual(25);
  const kinds = new Set(
    MODELS.flatMap(([providerId, model]) => {
      const prices = calcPrice(NO_TOKENS, model, { providerId, timestamp: WHEN })?.model_price;
      if (prices === undefined) throw new Error(`no price for ${model}`);
      return [...Object.keys(prices), thresholdsOf(prices).length > 0 ? 'tiers' : 'flat'];
    }),
  );
  const wanted = ['cache_read_mtok', 'cache_write_mtok', 'input_audio_mtok', 'input_image_mtok'];
  wanted.push('output_audio_mtok', 'output_image_mtok', 'tiers', 'flat');
  expect([...kinds]).toEqual(expect.arrayContaining(wanted));
});

const NO_TOKENS = { input_tokens: 0, output_tokens: 0 };

describe('the same money for the same usage', () => {
  test.each(MODELS)('%s %s', (provider, model) => {
    const options = { providerId: provider, timestamp: WHEN };
    const prices = calcPrice(NO_TOKENS, model, options)?.model_price ?? {};
    const price = priceFromUsdPerMillion(toUsdPrice(prices));
    const random = createSeededRandom(41);
    const borders = thresholdsOf(prices).flatMap((start) => [start, start + 1]);
    const inputs = [0, 1, 1_000, ...borders, 500_000];
    for (let round = 0; round < 100; round += 1) inputs.push(random.int(10 ** random.int(7)));
    for (const inputTokens of inputs) {
      const usage = someUsage(random, inputTokens);
      const theirs = theirNanoUsd([provider, model], usage);
      // Ours is the exact sum rounded up, theirs a float: both within a nano-dollar, and noise.
      const noise = theirs * 1e-12 + 1e-6;
      const ours = costOf(usage, price, 0);
      expect(ours).toBeGreaterThanOrEqual(theirs - noise);
      expect(ours).toBeLessThan(theirs + 1 + noise);
    }
  });
});

describe('the same usage from the same answer', () => {
  interface Answered {
    readonly name: string;
    readonly path: string;
    readonly reply: object;
    readonly usage: object | null;
    readonly sound: boolean;
  }
  const root = join(import.meta.dirname, '../../golden/usage');
  const FLAVORS: Readonly<Record<string, string>> = {
    '/v1/responses': 'responses',
    '/v1/embeddings': 'embeddings',
    '/v1/images/generations': 'images',
    '/v1/images/edits': 'images',
    '/v1/messages': 'default',
  };
  /** What they read otherwise: an overlap as two things, writes by life time not at all. */
  const OTHERWISE = new Set([
    'sound that was cached is counted once',
    'written, by life time alone',
  ]);
  const cases = [
    ['openai', 'openai'],
    ['anthropic', 'anthropic'],
    ['xai', 'x-ai'],
  ].flatMap(([file, provider = '']) => {
    const answered: Answered[] = JSON.parse(readFileSync(`${root}/${file}.json`, 'utf8'));
    return answered
      .filter(({ name, sound, path }) => sound && !OTHERWISE.has(name) && !path.includes('audio'))
      .map((one) => ({ provider, ...one }));
  });

  test.each(cases)('$provider: $name', ({ provider: providerId, path, reply }) => {
    const provider = findProvider({ providerId });
    const found = findRoute('POST', path);
    if (provider === undefined || typeof found === 'string') throw new Error('not known');
    const theirs = extractUsage(provider, { model: 'm', ...reply }, FLAVORS[path] ?? 'chat').usage;
    const ours = found.route.wire.readReply(Buffer.from(JSON.stringify(reply))).usage;
    const stated = {
      inputTokens: theirs['input_tokens'],
      cachedInputTokens: theirs['cache_read_tokens'] ?? 0,
      cacheWriteTokens: theirs['cache_write_tokens'] ?? 0,
      audioInputTokens: theirs['input_audio_tokens'] ?? 0,
      outputTokens: theirs['output_tokens'] ?? 0,
      reasoningTokens: theirs['output_reasoning_tokens'] ?? 0,
      audioOutputTokens: theirs['output_audio_tokens'] ?? 0,
    };
    expect({ ...NO_USAGE, ...ours }).toMatchObject(stated);
  });

  test('there are some', () => {
    expect(cases.length).toBeGreaterThan(15);
  });
});
