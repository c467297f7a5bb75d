const ID_LENGTH = 12;
/** As many base62 characters as a number can hold exactly. */
const NUMBERED = 8;
const NO_DIGIT = 255;

/** The worth of every ASCII character as a base62 digit. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (const [worth, digit] of [
  ...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
].entries()) {
  DIGITS[digit.charCodeAt(0)] = worth;
}

/**
 * The first two thirds of the public id of a key as a number, in the order of ids; undefined for
 * a text that no key of llmgate's has as its id. Among a million random ids two share their number
 * once in four hundred times.
 */
export function keyNumber(id: string): number | undefined {
  if (id.length !== ID_LENGTH) return undefined;
  let number = 0;
  for (let at = 0; at < ID_LENGTH; at += 1) {
    const code = id.charCodeAt(at);
    const digit = code < DIGITS.length ? (DIGITS[code] ?? NO_DIGIT) : NO_DIGIT;
    if (digit === NO_DIGIT) return undefined;
    if (at < NUMBERED) number = number * 62 + digit;
  }
  return number;
}

/** What the number does not say. */
export function unnumberedPart(id: string): string {
  return id.slice(NUMBERED);
}
