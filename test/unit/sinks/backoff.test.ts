import { expect, test } from 'vitest';
import { Backoff } from '../../../src/sinks/backoff.ts';
import { parseRetryAfter } from '../../../src/sinks/retry-after.ts';

function aBackoff(byte: number): Backoff {
  return new Backoff({ firstMs: 1_000, maxMs: 60_000, random: () => new Uint8Array([byte]) });
}

test('waits double up to the longest, between a half and the whole of it', () => {
  const shortest = aBackoff(0);
  const longest = aBackoff(255);
  const waits = Array.from({ length: 8 }, () => [shortest.fail(), longest.fail()]);
  expect(waits.map(([short]) => short)).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  expect(waits.map(([, long = 0]) => Math.round(long / 1_000))).toEqual([
    1, 2, 4, 8, 16, 32, 60, 60,
  ]);
});

test('a success begins anew; ten thousand failures stay at the longest', () => {
  const backoff = aBackoff(0);
  for (let count = 0; count < 10_000; count += 1) backoff.fail();
  expect([backoff.fail(), backoff.failures]).toEqual([30_000, 10_001]);
  backoff.succeed();
  expect([backoff.failures, backoff.fail()]).toEqual([0, 500]);
});

test('retry-after lengthens the wait, never shortens it, and is capped', () => {
  expect(aBackoff(0).fail(7_000)).toBe(7_000);
  expect(aBackoff(0).fail(10)).toBe(500);
  expect(aBackoff(0).fail(86_400_000)).toBe(300_000);
});

const nowMs = Date.UTC(2026, 10, 18, 10, 30);

test.each([
  [null, undefined],
  ['', undefined],
  ['soon', undefined],
  ['-5', undefined],
  ['0', 0],
  [' 120 ', 120_000],
  ['99999999999', undefined],
  ['Wed, 18 Nov 2026 10:31:00 GMT', 60_000],
  ['Wed, 18 Nov 2026 10:29:00 GMT', 0],
])('retry-after %j is %j', (header, waitMs) => {
  expect(parseRetryAfter(header, nowMs)).toBe(waitMs);
});
