import { createRandom } from './random.ts';
import { WORDS } from './words.ts';

/** Words in the pool that long texts are cut from. */
const POOL_WORDS = 65_536;
/** Words that tell one text from the next: 2^32 texts differ within their first four words. */
const HEAD_WORDS = 4;

/** Makes texts of so many words, fast enough for thousands a second. */
export interface Filler {
  /**
   * `words` words. Equal numbers give equal texts; different ones differ from their first words on,
   * so that no server finds one in its prefix cache because of another.
   */
  text(number: number, words: number): string;
}

export function createFiller(seed: number): Filler {
  const random = createRandom(seed, 'words');
  const picked = Array.from({ length: POOL_WORDS }, () => WORDS[random.below(WORDS.length)] ?? '');
  const pool = picked.join(' ');
  /** Where each word begins, and one past the last. */
  const starts = new Uint32Array(POOL_WORDS + 1);
  let at = 0;
  for (const [index, word] of picked.entries()) {
    starts[index] = at;
    at += word.length + 1;
  }
  starts[POOL_WORDS] = at;
  const cut = (from: number, count: number) =>
    pool.slice(starts[from] ?? 0, (starts[from + count] ?? at) - 1);

  return {
    text(number, words) {
      const pieces = [head(number, seed).slice(0, words).join(' ')];
      let left = words - HEAD_WORDS;
      let from = scramble(number) % POOL_WORDS;
      while (left > 0) {
        const count = Math.min(left, POOL_WORDS - from);
        pieces.push(cut(from, count));
        left -= count;
        from = 0;
      }
      return pieces.join(' ');
    },
  };
}

/** The number itself, one byte a word; the seed moves it, so that another seed has other texts. */
function head(number: number, seed: number): string[] {
  const moved = (number + Math.imul(seed, 0x9e3779b1)) >>> 0;
  return [0, 8, 16, 24].map((bits) => WORDS[(moved >>> bits) & 0xff] ?? '');
}

/** Neighbouring numbers land far apart. */
function scramble(number: number): number {
  return Math.imul((number ^ (number >>> 16)) >>> 0, 0x85ebca6b) >>> 0;
}
