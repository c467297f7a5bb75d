import type { CallShape } from './wire.ts';

/**
 * Output tokens of one picture. The largest picture that GPT Image 2 makes, 8.3 megapixels at the
 * highest quality, takes 23,700; every other model known takes less than 7,000.
 */
const PICTURE_TOKENS_MAX = 24_576;

/**
 * Output tokens of speech for every token that is read out: six were measured at normal speed, and
 * the slowest speed is a quarter of it.
 */
const SPOKEN_TOKENS_PER_INPUT_TOKEN_MAX = 32;
/** A single word takes a moment, too. */
const SPEECH_TOKENS_MIN = 256;

/** The most output tokens of each picture that was asked for. */
export function pictureTokensMax(): number {
  return PICTURE_TOKENS_MAX;
}

/** The most output tokens of the speech that was asked for. */
export function speechTokensMax({ inputTokens }: CallShape): number {
  return SPEECH_TOKENS_MIN + inputTokens * SPOKEN_TOKENS_PER_INPUT_TOKEN_MAX;
}
