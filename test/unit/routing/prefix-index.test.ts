import { describe, expect, test } from 'vitest';
import { PrefixIndex } from '../../../src/routing/prefix-index.ts';
import { createSeededRandom } from '../../support/seeded-random.ts';

const random = createSeededRandom(1);
const someChain = (blocks: number) =>
  Uint32Array.from({ length: blocks }, () => random.int(2 ** 32));

/** Depths of the replicas with these slots. */
function depths(index: PrefixIndex, chain: Uint32Array, slots: readonly number[]): number[] {
  const found = new Uint32Array(slots.length).fill(99);
  const deepest = index.match(chain, Uint8Array.from(slots), slots.length, found);
  expect(deepest).toBe(Math.max(...found));
  return [...found];
}

describe('PrefixIndex', () => {
  test('how many leading blocks each replica has', () => {
    const index = new PrefixIndex(1_000);
    const chain = someChain(10);
    index.learn(chain.slice(0, 4), 0);
    index.learn(chain.slice(0, 7), 31);
    index.learn(chain, 63);
    index.learn(someChain(3), 5);
    expect(depths(index, chain, [0, 5, 31, 32, 63])).toEqual([4, 0, 7, 0, 10]);
    expect(depths(index, chain.slice(0, 5), [31, 63])).toEqual([5, 5]);
    expect(depths(index, someChain(10), [0, 31, 63])).toEqual([0, 0, 0]);
    expect(index.entries).toBe(13);
  });

  test('a replica that it was not asked for does not count', () => {
    const index = new PrefixIndex(1_000);
    const chain = someChain(10);
    index.learn(chain, 1);
    index.learn(chain.slice(0, 2), 2);
    expect(depths(index, chain, [2])).toEqual([2]);
  });

  test('a hash of 0 is a hash', () => {
    const index = new PrefixIndex(100);
    index.learn(Uint32Array.of(0), 3);
    expect(depths(index, Uint32Array.of(0), [3])).toEqual([1]);
  });

  test('it never holds more than its places, and keeps what is used', () => {
    const index = new PrefixIndex(1_024);
    const kept = someChain(8);
    for (let round = 0; round < 2_000; round += 1) {
      index.learn(someChain(8), 1);
      if (round % 40 === 0) index.learn(kept, 2);
    }
    expect(index.entries).toBeLessThanOrEqual(1_024);
    expect(index.entries).toBeGreaterThan(1_000);
    expect(depths(index, kept, [2])).toEqual([8]);
  });

  test('a slot that gets another owner knows nothing', () => {
    const index = new PrefixIndex(100);
    const chain = someChain(4);
    index.learn(chain, 1);
    index.learn(chain, 40);
    index.forget(40);
    expect(depths(index, chain, [1, 40])).toEqual([4, 0]);
  });
});
