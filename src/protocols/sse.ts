/** The fields of one server-sent event that the readers use. */
export interface Frame {
  /** Empty when the frame has no `event` line. */
  readonly event: string;
  /** The data lines joined by `\n`. Empty for comments, which are not events. */
  readonly data: string;
}

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

/**
 * Finds whole server-sent events in chunks that were cut anywhere, also inside a CRLF.
 *
 * A chunk that starts and ends between two events is never copied. What is left of an unfinished
 * event is collected in a buffer that doubles, so a frame of `n` bytes costs O(n) however small
 * its pieces are.
 */
export class FrameSplitter {
  readonly #maxFrameBytes: number;
  /** The start of an unfinished event: the first `#held` bytes. */
  #tail = EMPTY;
  #held = 0;
  /** How far `#tail` has been searched. */
  #searched = 0;

  /** Where events end in `bytes`, after a push; the first one starts at 0. */
  readonly ends: number[] = [];
  bytes: Uint8Array = EMPTY;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Fills `bytes` and `ends`. They are valid until the next push; `bytes` is never reused. */
  push(chunk: Uint8Array): void {
    this.ends.length = 0;
    const hadTail = this.#held > 0;
    if (hadTail) this.#append(chunk);
    this.bytes = hadTail ? this.#tail.subarray(0, this.#held) : chunk;
    const searched = this.#search(hadTail ? this.#searched : 0);
    const last = this.ends.at(-1) ?? 0;
    const left = this.bytes.length - last;
    if (left === 0) {
      this.#tail = EMPTY;
      this.#held = 0;
    } else if (last > 0 || !hadTail) {
      // The events handed out keep the old buffer, so what is left moves to a new one.
      const rest = this.bytes.subarray(last);
      this.#tail = Buffer.allocUnsafeSlow(Math.max(512, left * 2));
      this.#tail.set(rest);
      this.#held = left;
    }
    this.#searched = searched - last;
  }

  get pendingBytes(): number {
    return this.#held;
  }

  /** The unfinished event is longer than events may be; the stream cannot be read any further. */
  get isOverflowing(): boolean {
    return this.#held > this.#maxFrameBytes;
  }

  #append(chunk: Uint8Array): void {
    const size = this.#held + chunk.length;
    if (size > this.#tail.length) {
      const grown = Buffer.allocUnsafeSlow(size * 2);
      grown.set(this.#tail.subarray(0, this.#held));
      this.#tail = grown;
    }
    this.#tail.set(chunk, this.#held);
    this.#held = size;
  }

  /** Collects `ends` from `from` on; returns where the next search goes on. */
  #search(from: number): number {
    const { bytes, ends } = this;
    // Nearly every backend ends lines with LF alone, and then a native search finds them.
    const hasCr = bytes.indexOf(CR, from) !== -1;
    let start = 0;
    let at = from;
    for (;;) {
      at = hasCr ? nextTerminator(bytes, at) : bytes.indexOf(LF, at);
      if (at === -1 || at === bytes.length) return bytes.length;
      const end = endOfBlankLine(bytes, start, at);
      if (end === WAIT) return at;
      if (end !== NOT_BLANK) {
        ends.push(end);
        start = end;
        at = end;
      } else at += 1;
    }
  }
}

const NOT_BLANK = -1;
const WAIT = -2;

function nextTerminator(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) at += 1;
  return at;
}

/**
 * Whether the terminator at `at` ends a blank line, and with it the event that began at `start`.
 * A CR at the very end may be half a CRLF: WAIT, unless this stream plainly uses lone CRs.
 */
function endOfBlankLine(bytes: Uint8Array, start: number, at: number): number {
  const before = at > start ? bytes[at - 1] : undefined;
  if (bytes[at] === LF) {
    if (before !== CR) return before === LF || before === undefined ? at + 1 : NOT_BLANK;
    const lineStart = at - 1;
    const isBlank = lineStart === start || isTerminator(bytes[lineStart - 1]);
    return isBlank ? at + 1 : NOT_BLANK;
  }
  if (before !== undefined && !isTerminator(before))
    return at + 1 < bytes.length ? NOT_BLANK : WAIT;
  if (at + 1 < bytes.length) return bytes[at + 1] === LF ? at + 2 : at + 1;
  return before === CR ? at + 1 : WAIT;
}

function isTerminator(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

/** Reads the text of one whole event. */
export function parseFrame(text: string): Frame {
  // The common case: one data line and the blank line after it.
  if (text.startsWith('data:') && text.indexOf('\n') === text.length - 2 && !text.includes('\r')) {
    return { event: '', data: text.slice(text.charCodeAt(5) === 0x20 ? 6 : 5, -2) };
  }
  let event = '';
  let data: string | undefined;
  for (const line of text.split(text.includes('\r') ? /\r\n|\n|\r/ : '\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1);
    const field = line.slice(0, colon);
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') event = value;
  }
  return { event, data: data ?? '' };
}
