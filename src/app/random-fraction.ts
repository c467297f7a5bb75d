import type { RandomBytes } from '../core/clock.ts';

/** Uniform in [0, 1), for what need not be unpredictable: 32 bits of it. */
export function createFraction(random: RandomBytes): () => number {
  let bytes = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at + 4 > bytes.length) {
      bytes = Buffer.from(random(1_024));
      at = 0;
    }
    const value = bytes.readUInt32LE(at) / 2 ** 32;
    at += 4;
    return value;
  };
}
