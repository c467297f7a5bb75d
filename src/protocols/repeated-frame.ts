/**
 * Recognises a frame that differs from an earlier one only inside one plain string.
 *
 * A stream of tokens is the same frame over and over with another word in it. When everything
 * around the word is byte for byte what has been parsed and judged before, and the word itself is
 * plain ASCII without quotes, escapes or control characters, then the frame is JSON of the same
 * structure, and parsing it again could not tell anything new. Anything else is parsed.
 */
export class RepeatedFrame {
  #bytes: Uint8Array | undefined;
  /** Where the string begins and ends in the remembered frame, quotes excluded. */
  #textStart = 0;
  #textEnd = 0;

  /** Remembers a frame that was judged, if `text`, the value of `member`, stands in it as it is. */
  remember(frame: Uint8Array, member: string, text: string): void {
    this.#bytes = undefined;
    const source = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    for (const opening of [`"${member}":"`, `"${member}": "`]) {
      const at = source.indexOf(opening);
      if (at === -1) continue;
      const start = at + opening.length;
      const end = start + text.length;
      if (source.toString('latin1', start, end) !== text || source[end] !== QUOTE) continue;
      if (!isPlain(frame, start, end)) continue;
      // A copy: the array belongs to the transport and may be large.
      this.#bytes = Uint8Array.prototype.slice.call(frame);
      this.#textStart = start;
      this.#textEnd = end;
      return;
    }
  }

  /** Length of the string in a frame like the remembered one; -1 when it is not like it. */
  textLengthIn(bytes: Uint8Array, start: number, end: number): number {
    const known = this.#bytes;
    if (known === undefined) return -1;
    const length = end - start - known.length + (this.#textEnd - this.#textStart);
    if (length <= 0) return -1;
    const textStart = start + this.#textStart;
    const textEnd = textStart + length;
    for (let at = 0; at < this.#textStart; at += 1) if (bytes[start + at] !== known[at]) return -1;
    const shift = textEnd - this.#textEnd;
    for (let at = this.#textEnd; at < known.length; at += 1) {
      if (bytes[shift + at] !== known[at]) return -1;
    }
    return isPlain(bytes, textStart, textEnd) ? length : -1;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return true;
}
