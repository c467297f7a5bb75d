/** Bytes of a packed id. */
export const PACKED_ID_BYTES = 9;

const ID_LENGTH = 12;
const HALF = 6;
/** The worth of every ASCII character as a base62 digit; 255 for those that are none. */
const DIGITS = new Uint8Array(128).fill(255);
for (const [worth, char] of [
  ...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
].entries()) {
  DIGITS[char.charCodeAt(0)] = worth;
}

/**
 * Twelve base62 characters, the public id of a key, in nine bytes: two halves of 36 bits. False,
 * with nothing written of use, for every other text.
 */
export function packId(id: string, into: Uint8Array): boolean {
  if (id.length !== ID_LENGTH) return false;
  const high = halfOf(id, 0);
  const low = halfOf(id, HALF);
  if (high < 0 || low < 0) return false;
  putHigh32(into, 0, high);
  putHigh32(into, 4, low);
  into[8] = ((high & 15) << 4) | (low & 15);
  return true;
}

/** Six digits as a number below 2^36, or -1. */
function halfOf(id: string, from: number): number {
  let value = 0;
  for (let at = from; at < from + HALF; at += 1) {
    const code = id.charCodeAt(at);
    const digit = code < 128 ? (DIGITS[code] ?? 255) : 255;
    if (digit === 255) return -1;
    value = value * 62 + digit;
  }
  return value;
}

/** The upper 32 of 36 bits. */
function putHigh32(into: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 16);
  into[at] = high >>> 24;
  into[at + 1] = high >>> 16;
  into[at + 2] = high >>> 8;
  into[at + 3] = high;
}

/**
 * A number of 32 bits from a packed id. Ids are drawn at random by llmgate itself, so nobody can
 * choose many that share one.
 */
export function hashPackedId(bytes: Uint8Array, at: number): number {
  const high = read32(bytes, at);
  const low = read32(bytes, at + 4);
  let hash = Math.imul(high ^ (bytes[at + 8] ?? 0), 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0xc2b2ae35) >>> 0;
}

function read32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}
