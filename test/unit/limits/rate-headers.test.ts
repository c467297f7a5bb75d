import { expect, test } from 'vitest';
import { addRateHeaders, renderGoDuration } from '../../../src/limits/rate-headers.ts';

test.each([
  [-5, '0s'],
  [0, '0s'],
  [0.2, '1ms'],
  [1, '1ms'],
  [20, '20ms'],
  [999.5, '1s'],
  [1_000, '1s'],
  [1_234, '1.234s'],
  [1_500, '1.5s'],
  [59_999, '59.999s'],
  [60_000, '1m0s'],
  [90_250, '1m30.25s'],
  [360_000, '6m0s'],
  [3_600_000, '1h0m0s'],
  [3_661_001, '1h1m1.001s'],
  [2_592_000_000, '720h0m0s'],
])('%d ms is %s', (durationMs, text) => {
  expect(renderGoDuration(durationMs)).toBe(text);
});

test('names and values of every header', () => {
  const requests = { limit: 600, remaining: 599, resetMs: 100 };
  const tokens = { limit: 200_000, remaining: 0, resetMs: 60_000 };
  const headers: Record<string, string> = { before: 'kept' };
  addRateHeaders(headers, { requests, tokens });
  expect(headers).toEqual({
    before: 'kept',
    'x-ratelimit-limit-requests': '600',
    'x-ratelimit-remaining-requests': '599',
    'x-ratelimit-reset-requests': '100ms',
    'x-ratelimit-limit-tokens': '200000',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '1m0s',
  });
});

test('a measure without a limit has no headers', () => {
  const headers = {};
  addRateHeaders(headers, { requests: null, tokens: null });
  expect(headers).toEqual({});
});
