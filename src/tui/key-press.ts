/**
 * A key as it was pressed: the character itself, or a name of more than one letter. Names are those
 * below, and `ctrl+x` for control characters.
 */
export type KeyPress = string;

const NAMES: Readonly<Record<string, KeyPress>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  ...{ '\x1b[A': 'up', '\x1b[B': 'down', '\x1b[C': 'right', '\x1b[D': 'left' },
  // Terminals in application mode say the same with an O.
  ...{ '\x1bOA': 'up', '\x1bOB': 'down', '\x1bOC': 'right', '\x1bOD': 'left' },
  ...{ '\x1b[H': 'home', '\x1b[F': 'end', '\x1bOH': 'home', '\x1bOF': 'end' },
  ...{ '\x1b[1~': 'home', '\x1b[4~': 'end', '\x1b[7~': 'home', '\x1b[8~': 'end' },
  ...{ '\x1b[5~': 'pageup', '\x1b[6~': 'pagedown', '\x1b[3~': 'delete', '\x1b[Z': 'backtab' },
};

// ESC O x, ESC [ … x (ECMA-48: parameters, intermediates, one final byte), or ESC and a character.
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters.
const SEQUENCE = /^\x1b(?:O[A-Za-z]|\[[0-?]*[ -/]*[@-~]|[^[O\x1b])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const UNFINISHED = /^\x1b(?:O|\[[0-?]*[ -/]*)?$/;

/** A sequence that is longer is none; it must not swallow what comes after it. */
const UNFINISHED_MAX = 32;

/** Turns what a terminal sends into keys. Bytes of one key may come in several reads. */
export class KeyReader {
  #rest = '';

  /** The keys that are complete. When `isWaiting`, an escape is there that may be a key or begin one. */
  read(text: string): KeyPress[] {
    let rest = this.#rest + text;
    const keys: KeyPress[] = [];
    while (rest !== '') {
      if (UNFINISHED.test(rest) && rest.length < UNFINISHED_MAX) break;
      const { key, length } = takeKey(rest);
      if (key !== null) keys.push(key);
      rest = rest.slice(length);
    }
    this.#rest = rest;
    return keys;
  }

  get isWaiting(): boolean {
    return this.#rest !== '';
  }

  /** Nothing more has come: the escape was the key itself. */
  flush(): KeyPress[] {
    const isEscape = this.#rest.startsWith('\x1b');
    this.#rest = '';
    return isEscape ? ['escape'] : [];
  }
}

function takeKey(text: string): { readonly key: KeyPress | null; readonly length: number } {
  const sequence = SEQUENCE.exec(text)?.[0];
  // Alt and a character, or a key that means nothing here: nothing, in one piece.
  if (sequence !== undefined) return { key: NAMES[sequence] ?? null, length: sequence.length };
  const character = String.fromCodePoint(text.codePointAt(0) ?? 0);
  return { key: toKey(character), length: character.length };
}

function toKey(character: string): KeyPress | null {
  if (character === '\x1b') return 'escape';
  const named = NAMES[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 1 && code <= 26) return `ctrl+${String.fromCharCode(code + 96)}`;
  return code < 32 || (code >= 0x7f && code < 0xa0) ? null : character;
}
