import { describe, expect, test } from 'vitest';
import { parseDayTimes } from '../../../src/config/day-times.ts';
import { parseHedgeDelay } from '../../../src/config/hedge-delay.ts';
import {
  parseDuration,
  parsePercentage,
  parseRate,
  parseShare,
  parseSize,
} from '../../../src/config/units.ts';

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['2s', 2_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['90d', 7_776_000_000],
    ['1.5h', 5_400_000],
    ['0.1s', 100],
    ['1.005s', 1_005],
    [' 2 s ', 2_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    ['60', 'has no unit'],
    ['5 minutes', 'the unknown unit "minutes"'],
    ['5M', 'the unknown unit "M"'],
    ['0s', 'is zero'],
    ['-5s', 'is not a duration'],
    ['', 'is not a duration'],
    ['1h30m', 'is not a duration'],
    ['1e3s', 'is not a duration'],
    ['0.5ms', 'not a whole number of ms'],
    ['36501d', 'longer than 100 years'],
    ['99999999999999999999d', 'too large'],
    ['x'.repeat(1_000), 'x…'],
  ])('%s is refused', (text, message) => {
    expect(() => parseDuration(text)).toThrow(message);
  });
});

describe('sizes', () => {
  test.each([
    ['1B', 1],
    ['64KB', 64_000],
    ['10MB', 10_000_000],
    ['1.5GB', 1_500_000_000],
    ['16KiB', 16_384],
    ['16MiB', 16_777_216],
    ['1GiB', 1_073_741_824],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    ['10', 'has no unit'],
    ['10mb', 'the unknown unit "mb"'],
    ['10TB', 'the unknown unit "TB"'],
    ['0MB', 'is zero'],
    ['0.5B', 'not a whole number of B'],
  ])('%s is refused', (text, message) => {
    expect(() => parseSize(text)).toThrow(message);
  });
});

describe('rates', () => {
  test.each([
    ['5/s', { count: 5, windowMs: 1_000 }],
    ['600/m', { count: 600, windowMs: 60_000 }],
    ['1000/h', { count: 1_000, windowMs: 3_600_000 }],
    ['200000 / d', { count: 200_000, windowMs: 86_400_000 }],
  ])('%s', (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  test.each([
    ['600', 'is not a rate'],
    ['600/', 'is not a rate'],
    ['/m', 'is not a rate'],
    ['600/min', 'the unknown unit "min"'],
    ['600/ms', 'the unknown unit "ms"'],
    ['0/m', 'allows nothing'],
    ['1.5/s', 'is not a rate'],
    ['-1/s', 'is not a rate'],
    ['99999999999999999999/s', 'too large'],
  ])('%s is refused', (text, message) => {
    expect(() => parseRate(text)).toThrow(message);
  });
});

describe('percentages', () => {
  test.each([
    ['1%', 1],
    [' 80 % ', 80],
    ['1000%', 1_000],
  ])('%s', (text, percent) => {
    expect(parsePercentage(text)).toBe(percent);
  });

  test.each([
    ['0%', 'between 1% and 1000%'],
    ['1001%', 'between 1% and 1000%'],
    ['80', 'is not a percentage'],
    ['0.5%', 'is not a percentage'],
    ['-5%', 'is not a percentage'],
  ])('%s is refused', (text, message) => {
    expect(() => parsePercentage(text)).toThrow(message);
  });
});

describe('shares', () => {
  test.each([
    ['0%', 0],
    ['0.5%', 0.005],
    [' 20 % ', 0.2],
    ['100%', 1],
  ])('%s', (text, share) => {
    expect(parseShare(text)).toBeCloseTo(share, 12);
  });

  test.each([
    ['100.1%', 'at most 100%'],
    ['0.2', 'is not a percentage'],
    ['-5%', 'is not a percentage'],
    ['.5%', 'is not a percentage'],
  ])('%s is refused', (text, message) => {
    expect(() => parseShare(text)).toThrow(message);
  });
});

describe('times of day', () => {
  test.each([
    ['22:00-06:00', 1_320, 360],
    [' 9:05 - 17:30 ', 545, 1_050],
    ['00:00-24:00', 0, 1_440],
  ])('%s', (text, fromMinute, toMinute) => {
    expect(parseDayTimes(text)).toEqual({ fromMinute, toMinute });
  });

  test.each([
    ['24:00-06:00', 'no such time'],
    ['10:60-11:00', 'no such time'],
    ['10:00-24:01', 'no such time'],
    ['10:00-10:00', 'the same minute'],
    ['10-11', 'not two times'],
    ['10:00', 'not two times'],
    ['10:00-11:00-12:00', 'not two times'],
  ])('%s is refused', (text, message) => {
    expect(() => parseDayTimes(text)).toThrow(message);
  });
});

describe('delays of hedges', () => {
  test.each([
    ['p95', { percentile: 0.95 }],
    ['p99.9', { percentile: 0.999 }],
    ['800ms', { ms: 800 }],
  ])('%s', (text, after) => {
    expect(parseHedgeDelay(text)).toEqual(after);
  });

  test.each([
    ['p40', 'at least p50'],
    ['p100', 'is not a duration'],
    ['2h', 'at most 1h'],
    ['95%', 'is not a duration'],
  ])('%s is refused', (text, message) => {
    expect(() => parseHedgeDelay(text)).toThrow(message);
  });
});
