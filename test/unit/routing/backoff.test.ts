import { expect, test } from 'vitest';
import { backoffMs } from '../../../src/routing/backoff.ts';

const BASE = { baseMs: 100, maxMs: 5_000 };

test.each([
  ['the first retry', { attempt: 1, random: 0.5 }, 50],
  ['it doubles', { attempt: 3, random: 0.5 }, 200],
  ['full jitter starts at nothing', { attempt: 3, random: 0 }, 0],
  ['and ends at the bound', { attempt: 3, random: 0.99 }, 396],
  ['never above the longest wait', { attempt: 20, random: 0.99 }, 4_950],
  ['however often it was asked', { attempt: 1e9, random: 0.5 }, 2_500],
  ['a wait that the backend named is kept', { attempt: 1, random: 0, retryAfterMs: 2_000 }, 2_000],
  ['with jitter after it', { attempt: 2, random: 0.5, retryAfterMs: 2_000 }, 2_100],
  ['up to the longest wait', { attempt: 2, random: 0.9, retryAfterMs: 5_000 }, 5_000],
  ['a longer one ends it', { attempt: 1, random: 0, retryAfterMs: 5_001 }, null],
  ['an endless one too', { attempt: 1, random: 0, retryAfterMs: Number.POSITIVE_INFINITY }, null],
])('%s', (_what, options, expected) => {
  expect(backoffMs({ ...BASE, ...options })).toBe(expected);
});
