import { describe, expect, test } from 'vitest';
import { hashPrefix } from '../../../src/routing/prefix-hashes.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const KB = 1_024;

/** Bytes that a seed repeats, the same ones first however many. */
function someBytes(length: number, seed = 1): Uint8Array {
  const random = createSeededRandom(seed);
  return Uint8Array.from({ length }, () => random.int(256));
}

/** Leading hashes that two chains have in common. */
function shared(one: Uint32Array, other: Uint32Array): number {
  const differs = one.findIndex((hash, index) => hash !== other[index]);
  return differs === -1 ? one.length : differs;
}

const hash = (bytes: Uint8Array, seed = 'model') => hashPrefix({ seed, bytes });

describe('hashPrefix', () => {
  test.each([
    { sizeBytes: 0, count: 0 },
    { sizeBytes: 2 * KB - 1, count: 0 },
    { sizeBytes: 2 * KB, count: 1 },
    { sizeBytes: 32 * KB, count: 16 },
    { sizeBytes: 448 * KB, count: 224 },
    { sizeBytes: 452 * KB, count: 225 },
    { sizeBytes: 600 * KB, count: 237 },
    { sizeBytes: 10_000 * KB, count: 256 },
  ])('$sizeBytes bytes: $count blocks', ({ sizeBytes, count }) => {
    expect(hash(new Uint8Array(sizeBytes))).toHaveLength(count);
  });

  test.each([32, 500, 1_000])('%i KB and more of it have the shorter chain in common', (sizeKb) => {
    const short = hash(someBytes(sizeKb * KB));
    const long = hash(someBytes(sizeKb * KB + 200 * KB));
    expect(short.length).toBeGreaterThan(0);
    expect(shared(short, long)).toBe(short.length);
    expect(long.length).toBeGreaterThan(short.length);
  });

  test('a byte that differs changes its block and all after it', () => {
    const bytes = someBytes(32 * KB);
    const other = someBytes(32 * KB);
    other[9 * KB] = (other[9 * KB] ?? 0) ^ 1;
    expect(shared(hash(bytes), hash(other))).toBe(4);
    expect(new Set([...hash(bytes).slice(4), ...hash(other).slice(4)]).size).toBe(24);
  });

  test('another model or system prompt has nothing in common', () => {
    const bytes = someBytes(32 * KB);
    expect(shared(hash(bytes, 'one'), hash(bytes, 'two'))).toBe(0);
  });

  test('equal blocks at other places are other hashes', () => {
    expect(new Set(hash(new Uint8Array(32 * KB))).size).toBe(16);
  });
});
