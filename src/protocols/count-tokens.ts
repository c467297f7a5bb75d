/**
 * Tokens of a text, guessed from its size: a quarter per ASCII character, one per other character.
 *
 * Good to about a third for prose and code in the usual vocabularies, which is what a hold or a
 * rate limit needs; a real tokeniser would cost more than everything else on the request path.
 */
export function countTokens(text: string): number {
  return toTokens(text.length, Buffer.byteLength(text));
}

/**
 * Each character beyond ASCII adds to both counts: two bytes more than UTF-16 units for CJK and
 * for emoji, one for accented Latin, Greek and Cyrillic (which so count half, and do take fewer
 * tokens). No walk over the text is needed.
 */
function toTokens(utf16Units: number, utf8Bytes: number): number {
  const wide = (utf8Bytes - utf16Units) / 2;
  return Math.ceil((utf16Units - wide) / 4 + wide);
}

/** Counts the generated text of one answer as it comes, piece by piece. */
export class OutputCounter {
  #pieces = 0;
  #utf16Units = 0;
  #utf8Bytes = 0;

  /** One delta of a stream. Nearly always one token, sometimes several, never none. */
  add(text: string): void {
    if (text === '') return;
    this.#pieces += 1;
    this.addUncounted(text);
  }

  /** One delta of so many ASCII characters. */
  addAscii(length: number): void {
    this.#pieces += 1;
    this.#utf16Units += length;
    this.#utf8Bytes += length;
  }

  /** Text of a whole reply, where pieces say nothing about tokens. */
  addUncounted(text: string): void {
    this.#utf16Units += text.length;
    this.#utf8Bytes += Buffer.byteLength(text);
  }

  get sawContent(): boolean {
    return this.#utf16Units > 0;
  }

  get tokens(): number {
    return Math.max(this.#pieces, toTokens(this.#utf16Units, this.#utf8Bytes));
  }
}
