import { describe, expect, test } from 'vitest';
import type { Usage } from '../../../src/core/usage.ts';
import { saneUsage, type UsageBounds } from '../../../src/pricing/usage-sanity.ts';

/** [input, cached part, output, reasoning part] */
type Tokens = readonly [number, number, number, number];

function usage([inputTokens, cachedInputTokens, outputTokens, reasoningTokens]: Tokens): Usage {
  return { inputTokens, cachedInputTokens, outputTokens, reasoningTokens };
}

const KNOWN: UsageBounds = { inputTokensEstimate: 50, contextTokens: 1_000 };
const UNKNOWN: UsageBounds = { inputTokensEstimate: 50, contextTokens: null };

describe('believable usage passes as it is', () => {
  test.each<[string, Tokens, UsageBounds]>([
    ['plain', [60, 0, 10, 0], KNOWN],
    ['an explicit zero', [0, 0, 0, 0], KNOWN],
    ['all cached, all reasoning', [60, 60, 10, 10], KNOWN],
    ['twice the context', [2_000, 0, 2_000, 0], KNOWN],
    ['many inputs in one request', [8_000, 0, 0, 0], { ...KNOWN, inputTokensEstimate: 1_000 }],
    ['many choices', [60, 0, 8_000, 0], { ...KNOWN, choices: 4 }],
    ['unknown context', [10_000_000, 0, 10_000_000, 0], UNKNOWN],
  ])('%s', (_, tokens, bounds) => {
    const reported = usage(tokens);
    expect(saneUsage(reported, bounds)).toEqual({ usage: reported, clamped: false });
  });
});

describe('unbelievable usage is corrected and says so', () => {
  test.each<[string, Tokens, UsageBounds, Tokens]>([
    ['input beyond the context', [2_001, 0, 10, 0], KNOWN, [50, 0, 10, 0]],
    ['output beyond the context', [60, 0, 2_001, 0], KNOWN, [60, 0, 2_000, 0]],
    ['a billion times', [60e9, 0, 10e9, 0], KNOWN, [50, 0, 2_000, 0]],
    ['unknown context', [10_000_001, 0, 10_000_001, 0], UNKNOWN, [50, 0, 10_000_000, 0]],
    ['negative', [-5, -5, -5, -5], KNOWN, [50, 0, 0, 0]],
    ['fractions', [1.5, 0.5, 1.5, 0.5], KNOWN, [50, 0, 0, 0]],
    ['no numbers', [Number.NaN, Number.NaN, Number.NaN, Number.NaN], KNOWN, [50, 0, 0, 0]],
    ['infinite', [Infinity, Infinity, Infinity, Infinity], KNOWN, [50, 50, 2_000, 2_000]],
    ['beyond 2^53', [2 ** 53, 0, 2 ** 53, 0], UNKNOWN, [50, 0, 10_000_000, 0]],
    ['more cached than input', [60, 61, 10, 0], KNOWN, [60, 60, 10, 0]],
    ['more reasoning than output', [60, 0, 10, 11], KNOWN, [60, 0, 10, 10]],
  ])('%s', (_, tokens, bounds, corrected) => {
    expect(saneUsage(usage(tokens), bounds)).toEqual({ usage: usage(corrected), clamped: true });
  });
});
