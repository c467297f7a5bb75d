import { expect, test } from 'vitest';
import { SharedValues } from '../../../src/access/shared-values.ts';

test('equal values have one number and come back as one object', () => {
  const shared = new SharedValues<readonly string[]>((list) => JSON.stringify(list));
  const first = ['a', 'b'];
  const number = shared.numberOf(first);
  expect(shared.numberOf(['a', 'b'])).toBe(number);
  expect(shared.numberOf(['b', 'a'])).not.toBe(number);
  expect(shared.valueOf(number ?? -1)).toBe(first);
});

test('what finds no room has no number, and what is there keeps its own', () => {
  const shared = new SharedValues<string>((text) => text);
  const numbers = Array.from({ length: 20_000 }, (_, index) => shared.numberOf(`tag-${index}`));
  const room = numbers.indexOf(undefined);
  expect(room).toBe(16_384);
  expect(numbers.slice(room).every((number) => number === undefined)).toBe(true);
  expect(shared.numberOf('tag-5')).toBe(numbers[5]);
});
