import { expect, test } from 'vitest';
import { findNearest } from '../../../src/config/did-you-mean.ts';

const KEYS = ['type', 'url', 'api_key', 'headers', 'discover', 'first_byte'];

test.each([
  ['tpye', 'type'],
  ['typ', 'type'],
  ['apiKey', 'api_key'],
  ['API-KEY', 'api_key'],
  ['header', 'headers'],
  ['discovery', 'discover'],
  ['firstbyte', 'first_byte'],
  ['ur', 'url'],
  ['weight', undefined],
  ['x', undefined],
  ['', undefined],
  ['k'.repeat(100_000), undefined],
])('%s → %s', (wrong, expected) => {
  expect(findNearest(wrong, KEYS)).toBe(expected);
});

test('of two equally near names the first is taken', () => {
  expect(findNearest('gpu2', ['gpu0', 'gpu1'])).toBe('gpu0');
});
