import { expect, test } from 'vitest';
import { matchesPattern } from '../../../src/core/pattern.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

test.each<[string, string, boolean]>([
  ['a', 'a', true],
  ['a', 'b', false],
  ['a', 'A', false],
  ['a', 'ab', false],
  ['ab', 'a', false],
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything at/all:7b', true],
  ['**', '', true],
  ['a*', 'a', true],
  ['a*', 'abc', true],
  ['a*', 'ba', false],
  ['*a', 'ba', true],
  ['*a', 'ab', false],
  ['a*c', 'ac', true],
  ['a*c', 'abcbc', true],
  ['a*c', 'abcb', false],
  ['*b*', 'abc', true],
  ['*ab*ab*', 'abab', true],
  ['*ab*ab*', 'aba', false],
  ['llama-*-instruct', 'llama-3.3-70b-instruct', true],
  ['a.c', 'abc', false],
  ['[ab]', 'a', false],
  ['a?', 'ab', false],
  ['a+', 'aa', false],
  ['(a', '(a', true],
  ['*é*', 'café au lait', true],
  ['*😀', 'a😀', true],
])('%j against %j: %s', (pattern, name, matches) => {
  expect(matchesPattern(pattern, name)).toBe(matches);
});

test('agrees with a plain regular expression on random input', () => {
  const random = createSeededRandom(7);
  const word = (alphabet: readonly string[], most: number) =>
    Array.from({ length: random.int(most) }, () => random.pick(alphabet)).join('');
  for (let round = 0; round < 20_000; round += 1) {
    const pattern = word(['a', 'b', '*'], 7);
    const name = word(['a', 'b'], 10);
    const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
    expect(matchesPattern(pattern, name), `${pattern} against ${name}`).toBe(expected);
  }
});

test('takes steps in proportion to pattern × name on the worst of input', () => {
  // A backtracking matcher would need more steps here than there are atoms.
  const pattern = `${'*a'.repeat(50)}*b`;
  expect(matchesPattern(pattern, 'a'.repeat(10_000))).toBe(false);
});
