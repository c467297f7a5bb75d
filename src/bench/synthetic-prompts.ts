import { createFiller } from './filler.ts';
import type { PromptSource } from './prompt.ts';
import { createRandom } from './random.ts';

export interface SyntheticShape {
  readonly inputTokens: number;
  readonly outputTokens: number | null;
  /** Lengths vary evenly by this share around theirs, 0 to 1. */
  readonly rangeRatio: number;
  /** So many prompts begin alike, in so many ways. Both 0: none does. */
  readonly prefixCount: number;
  readonly prefixTokens: number;
  readonly seed: number;
}

/** Numbers of prefixes start here, out of the way of those of prompts. */
const FIRST_PREFIX = 0x8000_0000;

/** Texts of random words. A prompt is its prefix, if there are any, and words of its own. */
export function createSyntheticPrompts(shape: SyntheticShape): PromptSource {
  const filler = createFiller(shape.seed);
  const hasPrefix = shape.prefixCount > 0 && shape.prefixTokens > 0;
  return {
    size: null,
    timesMs: null,
    at(index) {
      const random = createRandom(shape.seed + index, 'lengths');
      const ownTokens = vary(shape.inputTokens, shape.rangeRatio, random.uniform());
      const own = filler.text(index, ownTokens);
      const maxTokens =
        shape.outputTokens === null
          ? null
          : vary(shape.outputTokens, shape.rangeRatio, random.uniform());
      if (!hasPrefix) {
        return { input: { kind: 'text', text: own }, inputTokens: ownTokens, maxTokens };
      }
      const which = FIRST_PREFIX + random.below(shape.prefixCount);
      const text = `${filler.text(which, shape.prefixTokens)} ${own}`;
      const inputTokens = shape.prefixTokens + ownTokens;
      return { input: { kind: 'text', text }, inputTokens, maxTokens };
    },
  };
}

function vary(length: number, ratio: number, draw: number): number {
  if (ratio === 0) return length;
  return Math.max(1, Math.round(length * (1 - ratio + 2 * ratio * draw)));
}
