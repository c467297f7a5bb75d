import { expect, test } from 'vitest';
import { partOf } from '../../../src/core/part-of.ts';

test.each([
  [0, 0],
  [3, 3],
  [3, 900],
  [3, 1_003],
  [3, 1_004],
  [0, 5_000],
])('the bytes from %i up to %i', (from, to) => {
  const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, at) => at % 251));
  expect([...partOf(bytes, from, to)]).toEqual([...bytes.subarray(from, to)]);
});
