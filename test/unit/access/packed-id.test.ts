import { expect, test } from 'vitest';
import { PACKED_ID_BYTES, packId } from '../../../src/access/packed-id.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function packed(id: string): string | undefined {
  const into = new Uint8Array(PACKED_ID_BYTES);
  return packId(id, into) ? into.toHex() : undefined;
}

test('two ids never look the same', () => {
  const random = createSeededRandom(3);
  const start = 'abcdefABCDEF';
  const seen = new Set([packed(start)]);
  for (let at = 0; at < start.length; at += 1) {
    for (const digit of BASE62) {
      const id = start.slice(0, at) + digit + start.slice(at + 1);
      if (id !== start) expect(seen.size).toBeLessThan(seen.add(packed(id)).size);
    }
  }
  const ids = new Set<string>();
  const shapes = new Set<string | undefined>();
  for (let count = 0; count < 20_000; count += 1) {
    const id = Array.from({ length: 12 }, () => BASE62[random.int(62)]).join('');
    ids.add(id);
    shapes.add(packed(id));
  }
  expect(shapes.size).toBe(ids.size);
});

test.each([
  ['000000000000', '000000000000000000'],
  ['000000000001', '000000000000000001'],
  ['000001000000', '000000000000000010'],
])('%s', (id, hex) => {
  expect(packed(id)).toBe(hex);
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
  expect(packed(id)).toBeUndefined();
});
