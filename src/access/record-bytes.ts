/** Writes numbers and texts one after the other. The buffer grows and is used again. */
export class RecordWriter {
  #bytes = Buffer.alloc(4_096);
  #length = 0;

  begin(): void {
    this.#length = 0;
  }

  /** What was written, in the buffer of the writer. */
  end(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** A safe non-negative integer, seven bits to the byte, lowest first. */
  number(value: number): void {
    this.#reserve(8);
    const bytes = this.#bytes;
    let rest = value;
    let at = this.#length;
    while (rest >= 128) {
      bytes[at] = (rest & 127) | 128;
      at += 1;
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 128);
    }
    bytes[at] = rest;
    this.#length = at + 1;
  }

  /** A text in UTF-8 behind its length. */
  text(text: string): void {
    const length = text.length;
    this.#reserve(length * 3 + 8);
    // Most are short and ASCII, for which a loop is faster than the way to the runtime and back.
    if (length < 128 && this.#writeAscii(text)) return;
    this.number(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  #writeAscii(text: string): boolean {
    const bytes = this.#bytes;
    const start = this.#length;
    const { length } = text;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      bytes[start + 1 + index] = code;
    }
    bytes[start] = length;
    this.#length = start + 1 + length;
    return true;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const wider = Buffer.alloc((this.#length + count) * 2);
    wider.set(this.#bytes);
    this.#bytes = wider;
  }
}

/** Reads what a `RecordWriter` wrote. */
export class RecordReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  begin(bytes: Buffer, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    const value = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return value;
  }

  number(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const part = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (part & 127) * factor;
      if (part < 128) return value;
      factor *= 128;
    }
  }

  text(): string {
    const length = this.number();
    const start = this.#at;
    this.#at += length;
    return this.#bytes.toString('utf8', start, this.#at);
  }

  /** A copy. */
  raw(length: number): Uint8Array {
    const copy = new Uint8Array(length);
    // A view of the buffer to copy from would cost more than the bytes.
    for (let index = 0; index < length; index += 1)
      copy[index] = this.#bytes[this.#at + index] ?? 0;
    this.#at += length;
    return copy;
  }
}
