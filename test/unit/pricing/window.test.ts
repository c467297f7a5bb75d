import { describe, expect, test } from 'vitest';
import { WINDOWS, type Window } from '../../../src/core/key.ts';
import { windowEndMs, windowStartMs } from '../../../src/pricing/window.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

test.each<[Window, string, string, string]>([
  ['hour', '2026-11-18T10:30:15.250Z', '2026-11-18T10:00:00Z', '2026-11-18T11:00:00Z'],
  ['hour', '2026-11-18T10:00:00.000Z', '2026-11-18T10:00:00Z', '2026-11-18T11:00:00Z'],
  ['hour', '2026-12-31T23:59:59.999Z', '2026-12-31T23:00:00Z', '2027-01-01T00:00:00Z'],
  ['day', '2026-11-18T23:59:59.999Z', '2026-11-18T00:00:00Z', '2026-11-19T00:00:00Z'],
  ['day', '2028-02-28T12:00:00.000Z', '2028-02-28T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['week', '2026-11-18T10:00:00.000Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['week', '2026-11-16T00:00:00.000Z', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
  ['week', '2026-11-15T23:59:59.999Z', '2026-11-09T00:00:00Z', '2026-11-16T00:00:00Z'],
  ['week', '2027-01-01T00:00:00.000Z', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
  ['month', '2026-11-18T10:00:00.000Z', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
  ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ['month', '2028-02-29T12:00:00.000Z', '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
  // The nights in which clocks in Europe and America change are plain hours here.
  ['day', '2026-03-29T01:30:00.000Z', '2026-03-29T00:00:00Z', '2026-03-30T00:00:00Z'],
  ['hour', '2026-10-25T01:30:00.000Z', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'],
  ['week', '1970-01-01T00:00:00.000Z', '1969-12-29T00:00:00Z', '1970-01-05T00:00:00Z'],
])('the %s of %s', (window, now, start, end) => {
  expect(windowStartMs(window, Date.parse(now))).toBe(Date.parse(start));
  expect(windowEndMs(window, Date.parse(now))).toBe(Date.parse(end));
});

test('total begins with time and never ends', () => {
  expect(windowStartMs('total', 1e12)).toBe(0);
  expect(windowEndMs('total', 1e12)).toBe(Number.POSITIVE_INFINITY);
});

describe('at any time', () => {
  test.each(WINDOWS.filter((window) => window !== 'total'))(
    'every %s follows the last',
    (window) => {
      const random = createSeededRandom(5);
      for (let round = 0; round < 2_000; round += 1) {
        const nowMs = random.int(4e12);
        const startMs = windowStartMs(window, nowMs);
        const endMs = windowEndMs(window, nowMs);
        expect(startMs <= nowMs && nowMs < endMs).toBe(true);
        expect(windowStartMs(window, startMs)).toBe(startMs);
        expect(windowStartMs(window, endMs - 1)).toBe(startMs);
        expect(windowStartMs(window, endMs)).toBe(endMs);
        expect(startMs % 3_600_000).toBe(0);
      }
    },
  );
});
