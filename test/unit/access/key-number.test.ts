import { expect, test } from 'vitest';
import { keyNumber, unnumberedPart } from '../../../src/access/key-number.ts';

test('numbers are in the order of ids and exact to the last', () => {
  const ids = ['000000000000', '00000001zzzz', '0000000A0000', '0000000a0000', 'zzzzzzzzzzzz'];
  const numbers = ids.map((id) => keyNumber(id) ?? Number.NaN);
  expect(numbers).toEqual([0, 1, 10, 36, 62 ** 8 - 1]);
  expect(numbers).toEqual(ids.toSorted().map(keyNumber));
  expect(62 ** 8).toBeLessThan(Number.MAX_SAFE_INTEGER);
});

test('the number and the rest are the whole id', () => {
  expect(unnumberedPart('abcdefghWXYZ')).toBe('WXYZ');
  expect(keyNumber('abcdefghWXYZ')).toBe(keyNumber('abcdefgh0000'));
});

test.each([
  '',
  'K1',
  'abcdefghWXY',
  'abcdefghWXYZ0',
  'abcdefgh-XYZ',
  'abcdefghWXYü',
  'abcdefghWXY\0',
])('%j is the id of no key', (id) => {
  expect(keyNumber(id)).toBeUndefined();
});
