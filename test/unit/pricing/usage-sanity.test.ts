import { describe, expect, test } from 'vitest';
import { NO_USAGE, type Usage } from '../../../src/core/usage.ts';
import { saneUsage, type UsageBounds } from '../../../src/pricing/usage-sanity.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const KNOWN: UsageBounds = {
  inputTokensEstimate: 50,
  outputTokensCounted: 7,
  contextTokens: 1_000,
};
const UNKNOWN: UsageBounds = { ...KNOWN, contextTokens: null };

/** [input, output] */
type Totals = readonly [number, number];

function usage([inputTokens, outputTokens]: Totals, parts: Partial<Usage> = {}): Usage {
  return { ...NO_USAGE, inputTokens, outputTokens, ...parts };
}

const EVERY_PART = {
  ...{ cachedInputTokens: 10, cacheWriteTokens: 20, audioInputTokens: 10, imageInputTokens: 20 },
  ...{ reasoningTokens: 5, audioOutputTokens: 3, imageOutputTokens: 2 },
};

describe('believable usage passes as it is', () => {
  test.each<[string, Totals, Partial<Usage>, UsageBounds]>([
    ['plain', [60, 10], {}, KNOWN],
    ['an explicit zero', [0, 0], {}, KNOWN],
    ['all cached, all reasoning', [60, 10], { cachedInputTokens: 60, reasoningTokens: 10 }, KNOWN],
    ['made of parts only', [60, 10], EVERY_PART, KNOWN],
    ['twice the context', [2_000, 2_000], {}, KNOWN],
    ['many inputs in one request', [8_000, 0], {}, { ...KNOWN, inputTokensEstimate: 1_000 }],
    ['many choices', [60, 8_000], {}, { ...KNOWN, choices: 4 }],
    ['far more output than was seen', [60, 1_900], {}, KNOWN],
    ['unknown context', [10_000_000, 10_000_000], {}, UNKNOWN],
    ['unknown context, many choices', [60, 20_000_000], {}, { ...UNKNOWN, choices: 2 }],
  ])('%s', (_, totals, parts, bounds) => {
    const reported = usage(totals, parts);
    const sane = saneUsage(reported, bounds);
    expect(sane).toEqual({ usage: reported, clamped: false });
    expect(sane.usage).toBe(reported);
  });
});

const { NaN: nan, POSITIVE_INFINITY: infinite } = Number;

describe('totals nobody can have used', () => {
  test.each<[string, Totals, UsageBounds, Totals]>([
    ['input beyond the context is our estimate', [2_001, 10], KNOWN, [50, 10]],
    ['output beyond the context is cut to twice of it', [60, 2_001], KNOWN, [60, 2_000]],
    ['output for each choice', [60, 8_001], { ...KNOWN, choices: 4 }, [60, 8_000]],
    ['a billion times', [60e9, 10e9], KNOWN, [50, 2_000]],
    ['context unknown: our own count', [10_000_001, 10_000_001], UNKNOWN, [50, 7]],
    ['negative', [-5, -5], KNOWN, [50, 7]],
    ['fractions', [1.5, 1.5], KNOWN, [50, 7]],
    ['no numbers', [nan, nan], KNOWN, [50, 7]],
    ['infinite', [infinite, infinite], KNOWN, [50, 2_000]],
    ['infinite, context unknown', [infinite, infinite], UNKNOWN, [50, 7]],
    ['beyond 2^53', [2 ** 53, 2 ** 53], UNKNOWN, [50, 7]],
    ['one of the two is right', [60, nan], KNOWN, [60, 7]],
    ['the other one is', [nan, 10], KNOWN, [50, 10]],
    [
      'our count beyond the context',
      [60, nan],
      { ...KNOWN, outputTokensCounted: 3_000 },
      [60, 2_000],
    ],
  ])('%s', (_, totals, bounds, corrected) => {
    expect(saneUsage(usage(totals), bounds)).toEqual({ usage: usage(corrected), clamped: true });
  });
});

describe('parts larger than what is left of their whole are cut to it', () => {
  test.each<[string, Partial<Usage>, Partial<Usage>]>([
    ['cached', { cachedInputTokens: 61 }, { cachedInputTokens: 60 }],
    ['written', { cacheWriteTokens: 61 }, { cacheWriteTokens: 60 }],
    ['audio', { audioInputTokens: 61 }, { audioInputTokens: 60 }],
    ['images', { imageInputTokens: 61 }, { imageInputTokens: 60 }],
    ['reasoning', { reasoningTokens: 11 }, { reasoningTokens: 10 }],
    ['speech', { audioOutputTokens: 11 }, { audioOutputTokens: 10 }],
    ['pictures', { imageOutputTokens: 11 }, { imageOutputTokens: 10 }],
    [
      'all together, the first is left whole',
      { cachedInputTokens: 30, cacheWriteTokens: 20, audioInputTokens: 30, imageInputTokens: 30 },
      { cachedInputTokens: 30, cacheWriteTokens: 20, audioInputTokens: 10, imageInputTokens: 0 },
    ],
    [
      'of the output, too',
      { reasoningTokens: 6, audioOutputTokens: 6, imageOutputTokens: 6 },
      { reasoningTokens: 6, audioOutputTokens: 4, imageOutputTokens: 0 },
    ],
    ['negative', { cachedInputTokens: -1, reasoningTokens: -1 }, {}],
    ['fractions', { cacheWriteTokens: 0.5, audioOutputTokens: 0.5 }, {}],
    ['no numbers', { imageInputTokens: nan, imageOutputTokens: nan }, {}],
    ['infinite', { audioInputTokens: infinite }, { audioInputTokens: 60 }],
  ])('%s', (_, parts, corrected) => {
    expect(saneUsage(usage([60, 10], parts), KNOWN)).toEqual({
      usage: usage([60, 10], corrected),
      clamped: true,
    });
  });
});

test('whatever is reported, what is booked are counts, within bounds, with disjoint parts', () => {
  const random = createSeededRandom(17);
  const nasty = [nan, infinite, -infinite, -1, 0.5, 2 ** 53, 1e300, Number.MAX_SAFE_INTEGER];
  const figure = () => (random.int(3) === 0 ? random.pick(nasty) : random.int(10 ** random.int(9)));
  for (let round = 0; round < 5_000; round += 1) {
    const reported = Object.fromEntries(
      Object.keys(NO_USAGE).map((name) => [name, figure()]),
    ) as unknown as Usage;
    const contextTokens = random.int(2) === 0 ? null : 1 + random.int(100_000);
    const bounds = {
      inputTokensEstimate: random.int(10_000),
      outputTokensCounted: 99,
      contextTokens,
    };
    const { usage: sane, clamped } = saneUsage(reported, { ...bounds, choices: 2 });
    expect(Object.values(sane).every((tokens) => Number.isSafeInteger(tokens) && tokens >= 0)).toBe(
      true,
    );
    expect(
      sane.cachedInputTokens +
        sane.cacheWriteTokens +
        sane.audioInputTokens +
        sane.imageInputTokens,
    ).toBeLessThanOrEqual(sane.inputTokens);
    expect(
      sane.reasoningTokens + sane.audioOutputTokens + sane.imageOutputTokens,
    ).toBeLessThanOrEqual(sane.outputTokens);
    expect(sane.outputTokens).toBeLessThanOrEqual((contextTokens ?? 10_000_000) * 4);
    expect(clamped).toBe(JSON.stringify(sane) !== JSON.stringify(reported));
    expect(saneUsage(sane, { ...bounds, choices: 2 }).clamped).toBe(false);
  }
});
