/**
 * Every character that moves the cursor, reorders the line or cannot be seen: C0, DEL, C1, format
 * characters such as bidi marks and joiners, line separators and half surrogates.
 */
export const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text from elsewhere, fit for a terminal: what is hidden is written out (`\x1b`, `\u202e`). */
export function toVisibleText(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
  });
}
