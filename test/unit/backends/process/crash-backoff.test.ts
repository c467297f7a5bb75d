import { expect, test } from 'vitest';
import { CrashBackoff } from '../../../../src/backends/process/crash-backoff.ts';

test('doubles from a second to a minute', () => {
  const backoff = new CrashBackoff();
  const waits = Array.from({ length: 9 }, () => backoff.failed(null) / 1_000);
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test('a short time of health forgives nothing, five minutes everything', () => {
  const backoff = new CrashBackoff();
  backoff.failed(null);
  backoff.failed(null);
  expect(backoff.failed(299_999)).toBe(4_000);
  expect(backoff.failed(300_000)).toBe(1_000);
  expect(backoff.failures).toBe(1);
});
