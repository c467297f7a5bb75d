// Classes of UTF-16 units, as the finders of personal data use them. Tables and comparisons rather
// than regular expressions: they are asked about every character around a find.

export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

export function isLetter(unit: number): boolean {
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

export function isAlphanumeric(unit: number): boolean {
  return isDigit(unit) || isLetter(unit);
}

/** Letters, digits, `_` and `-`: what keys and tokens of nearly every vendor are made of. */
export function isTokenUnit(unit: number): boolean {
  return isAlphanumeric(unit) || unit === 0x5f || unit === 0x2d;
}

const OTHER_LETTER = /[\p{L}\p{N}\p{M}\p{Cs}]/u;

/** A letter or digit beyond ASCII; half a surrogate pair counts as one. */
export function isForeignLetter(unit: number): boolean {
  return unit >= 0x80 && OTHER_LETTER.test(String.fromCharCode(unit));
}
