import { expect, test } from 'vitest';
import { findNearestTimezone, parseTimezone } from '../../../src/config/timezone.ts';

test.each([
  ['UTC', 'UTC'],
  ['europe/berlin', 'Europe/Berlin'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
])('%s is a zone', (text, name) => {
  expect(parseTimezone(text)).toBe(name);
});

test.each(['+02:00', '-0330', 'Z', 'Berlin', 'Europe/Berlin ', ''])('%s is none', (text) => {
  expect(() => parseTimezone(text)).toThrow('no such time zone');
});

test.each([
  ['Europe/Berln', 'Europe/Berlin'],
  ['Berlin', 'Europe/Berlin'],
  ['Germany/Berlin', 'Europe/Berlin'],
  ['utc0', 'UTC'],
  ['the moon', undefined],
])('%s was meant to be %s', (wrong, meant) => {
  expect(findNearestTimezone(wrong)).toBe(meant);
});
