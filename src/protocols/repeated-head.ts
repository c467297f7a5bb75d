const LENGTH_NAME = /\r\ncontent-length:[ \t]*/i;
/** Fifteen digits stay below 2^53. */
const DIGITS_MAX = 15;

/** The head is the remembered one, or is not. */
export const SAME_HEAD = -1;
export const OTHER_HEAD = -2;

/**
 * The last head of a connection. The same client and the same server send the same head again and
 * again, with another `content-length`: to compare costs a tenth of reading it anew.
 */
export class RepeatedHead {
  #text = '';
  /** What comes before and after the digits of the length; empty without one. */
  #before = '';
  #after = '';

  /** `text` is a head that was found good, up to and with the line break of its last line. */
  remember(text: string): void {
    this.#text = text;
    this.#before = '';
    const name = LENGTH_NAME.exec(text);
    if (name === null) return;
    const start = name.index + name[0].length;
    let end = start;
    while (isDigit(text.charCodeAt(end))) end += 1;
    // Two lengths may be equal; what changes one of them makes it a head that must be refused.
    if (end === start || LENGTH_NAME.test(text.slice(end))) return;
    this.#before = text.slice(0, start);
    this.#after = text.slice(end);
  }

  /** SAME_HEAD, OTHER_HEAD, or the length when nothing but its digits differs. */
  compare(text: string): number {
    if (text === this.#text) return SAME_HEAD;
    const before = this.#before;
    const after = this.#after;
    const end = text.length - after.length;
    const digits = end - before.length;
    if (before === '' || digits < 1 || digits > DIGITS_MAX) return OTHER_HEAD;
    if (!text.startsWith(before) || !text.endsWith(after)) return OTHER_HEAD;
    let length = 0;
    for (let at = before.length; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (!isDigit(code)) return OTHER_HEAD;
      length = length * 10 + code - 0x30;
    }
    return length;
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
