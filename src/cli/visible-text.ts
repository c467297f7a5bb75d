import { HIDDEN } from '../core/visible-text.ts';

export { toVisibleText } from '../core/visible-text.ts';

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
