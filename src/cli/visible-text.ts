/**
 * Text from elsewhere, fit for a terminal: every character that moves the cursor, reorders the line
 * or cannot be seen is written out (`\x1b`, `\u202e`). C0, DEL, C1, format characters such as bidi
 * marks and joiners, line separators and half surrogates.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

export function toVisibleText(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
  });
}

export function hasHidden(text: string): boolean {
  return text.search(HIDDEN) !== -1;
}

/**
 * A document with the same characters escaped inside its quoted strings, so that the bytes are
 * neutral and the values unchanged. Newlines are layout: no quoted string has a raw one.
 */
export function escapeHidden(document: string, form: 'json' | 'yaml'): string {
  return document.replace(HIDDEN, (character) => {
    if (character === '\n') return character;
    const code = character.codePointAt(0) ?? 0;
    // YAML does not join surrogate halves; JSON has no other way to say them.
    if (form === 'yaml' && code > 0xffff) return `\\U${code.toString(16).padStart(8, '0')}`;
    return Array.from({ length: character.length }, (_, at) => toUnitEscape(character, at)).join(
      '',
    );
  });
}

function toUnitEscape(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
}
