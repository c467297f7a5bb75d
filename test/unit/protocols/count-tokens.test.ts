import { expect, test } from 'vitest';
import { countTokens, OutputCounter } from '../../../src/protocols/count-tokens.ts';

test.each([
  ['', 0],
  ['a', 1],
  ['abcd', 1],
  ['abcde', 2],
  ['世界', 2],
  ['😀😀😀', 4],
  ['abcd世界', 3],
  ['日本語 text', 5],
  ['éé', 2],
  ['a'.repeat(20_000), 5_000],
])('%j', (text, tokens) => {
  expect(countTokens(text)).toBe(tokens);
});

test('pieces count at least one each, and their text as a whole', () => {
  const short = new OutputCounter();
  expect(short.sawContent).toBe(false);
  for (const piece of ['a', '', 'b', 'c']) short.add(piece);
  expect([short.tokens, short.sawContent]).toEqual([3, true]);

  const long = new OutputCounter();
  long.add('a'.repeat(6));
  long.add('a'.repeat(6));
  expect(long.tokens).toBe(3);

  const whole = new OutputCounter();
  whole.addUncounted('a');
  whole.addUncounted('b');
  expect(whole.tokens).toBe(1);
});
