import { describe, expect, test } from 'vitest';
import {
  createKeyText,
  createSecret,
  digestSecret,
  parseKeyText,
  renderKeyText,
} from '../../../src/access/key-format.ts';
import { systemRandom } from '../../../src/core/clock.ts';

// Fixed for ever: a key that was handed out has to stay valid through every release.
const GOLDEN = 'sk-lg-Ab0Cd1Ef2Gh3-0123456789abcdefghijABCDEFGHIJKL1tBLq9';
const GOLDEN_PARTS = { id: 'Ab0Cd1Ef2Gh3', secret: '0123456789abcdefghijABCDEFGHIJKL' };

describe('a key', () => {
  test('has the documented form', () => {
    const { id, secret, text } = createKeyText(systemRandom);
    expect(text).toMatch(/^sk-lg-[0-9A-Za-z]{12}-[0-9A-Za-z]{38}$/);
    expect(text.startsWith(`sk-lg-${id}-${secret}`)).toBe(true);
    expect(parseKeyText(text)).toEqual({ id, secret });
  });

  test('written once is read for ever', () => {
    expect(renderKeyText(GOLDEN_PARTS.id, GOLDEN_PARTS.secret)).toBe(GOLDEN);
    expect(parseKeyText(GOLDEN)).toEqual(GOLDEN_PARTS);
  });

  test('keeps its id when it is rotated', () => {
    const rotated = renderKeyText(GOLDEN_PARTS.id, createSecret(systemRandom));
    expect(rotated).not.toBe(GOLDEN);
    expect(parseKeyText(rotated)?.id).toBe(GOLDEN_PARTS.id);
  });

  test('is never made twice', () => {
    const made = Array.from({ length: 1_000 }, () => createKeyText(systemRandom));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1_000);
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(1_000);
  });
});

describe('a key with a typo is refused', () => {
  const at = (index: number, character: string) =>
    GOLDEN.slice(0, index) + character + GOLDEN.slice(index + 1);

  test('whichever character is wrong', () => {
    for (let index = 0; index < GOLDEN.length; index += 1) {
      const other = GOLDEN[index] === 'x' ? 'y' : 'x';
      expect(parseKeyText(at(index, other)), `character ${index}`).toBeUndefined();
    }
  });

  test('whichever neighbours are swapped', () => {
    for (let index = 0; index + 1 < GOLDEN.length; index += 1) {
      const [one = '', two = ''] = GOLDEN.slice(index, index + 2);
      if (one === two) continue;
      const swapped = GOLDEN.slice(0, index) + two + one + GOLDEN.slice(index + 2);
      expect(parseKeyText(swapped), `characters ${index} and ${index + 1}`).toBeUndefined();
    }
  });

  test.each([
    ['nothing', ''],
    ['the prefix alone', 'sk-lg-'],
    ['one character short', GOLDEN.slice(0, -1)],
    ['one character long', `${GOLDEN}0`],
    ['a space before', ` ${GOLDEN}`],
    ['a line feed after', `${GOLDEN}\n`],
    ['a line feed inside', at(30, '\n')],
    ['NUL inside', at(30, '\0')],
    ['a quote', at(30, "'")],
    ['an SQL comment', `${GOLDEN.slice(0, 40)}' OR 1=1 --     `],
    ['an emoji (two UTF-16 units)', `${GOLDEN.slice(0, 20)}😀${GOLDEN.slice(22)}`],
    ['a Cyrillic look-alike', at(6, 'А')],
    ['a full-width digit', at(20, '０')],
    ['upper-case prefix', GOLDEN.replace('sk-lg', 'SK-LG')],
    ['an underscore for the dash', at(18, '_')],
    ['the key of another vendor', `sk-proj-${'a'.repeat(49)}`],
    ['a megabyte', 'a'.repeat(1_000_000)],
    ['a megabyte after the prefix', `sk-lg-${'a'.repeat(1_000_000)}`],
  ])('%s', (_, text) => {
    expect(parseKeyText(text)).toBeUndefined();
  });
});

test.each([
  ["'; DROP TABL", 'a'.repeat(32)],
  ['aaaaaaaaaaaa', `${'a'.repeat(30)}%0`],
  ['aaaaaa-aaaaa', 'a'.repeat(32)],
  ['aaaaaaaaaaaé', 'a'.repeat(32)],
])('a right checksum does not make up for other characters: %j', (id, secret) => {
  expect(parseKeyText(renderKeyText(id, secret))).toBeUndefined();
});

test('the digest of a secret is its SHA-256', () => {
  const hex = Buffer.from(digestSecret('abc')).toString('hex');
  expect(hex).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
