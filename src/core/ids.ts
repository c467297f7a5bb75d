import type { Clock, RandomBytes } from './clock.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` random base62 characters, unbiased (bytes ≥ 248 are drawn again). */
export function randomBase62(length: number, random: RandomBytes): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length + 8)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

/** A non-negative integer in base62, left-padded with `0` to `width`. */
export function toBase62(value: number, width: number): string {
  let rest = value;
  let text = '';
  do {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  } while (rest > 0);
  return text.padStart(width, '0');
}

/** Makes request ids: UUIDv7 (RFC 9562), so that ids sort by the time they were made. */
export type RequestIds = () => string;

export function createRequestIds(clock: Clock): RequestIds {
  // Bun draws the random part and keeps ids monotonic inside one millisecond.
  return () => Bun.randomUUIDv7('hex', clock.nowMs());
}
