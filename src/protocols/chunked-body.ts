import { partOf } from '../core/part-of.ts';

/** One chunk-size line with its extensions; real servers need twenty bytes. */
const LINE_BYTES_MAX = 4_096;
const TRAILER_BYTES_MAX = 16_384;
/** Thirteen hexadecimal digits stay below 2^53. */
const SIZE_DIGITS_MAX = 13;

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;

type Step =
  | 'size'
  | 'extension'
  | 'size_lf'
  | 'data'
  | 'data_cr'
  | 'data_lf'
  | 'trailer_start'
  | 'trailer_name'
  | 'trailer_value'
  | 'trailer_lf'
  | 'last_lf'
  | 'done';

/**
 * Takes the chunked framing off a body (RFC 9112 §7.1), however the bytes are cut. Extensions are
 * skipped, trailers are checked and dropped, and every line break must be exactly CR LF.
 */
export class ChunkedBody {
  /** After `decode`: where the bytes after the body begin. Only means something when `done`. */
  end = 0;
  /** Set when the bytes are not chunked framing. Payload found before is still returned. */
  problem: string | null = null;
  #step: Step = 'size';
  #size = 0;
  #digits = 0;
  #lineBytes = 0;
  #trailerBytes = 0;

  get done(): boolean {
    return this.#step === 'done';
  }

  reset(): void {
    this.end = 0;
    this.problem = null;
    this.#startLine();
    this.#trailerBytes = 0;
  }

  /**
   * The payload in `bytes` from `from` on, or null when there is none. Several chunks in one piece
   * are moved together inside `bytes`, which therefore must belong to the caller: one call, one
   * write onwards, nothing allocated but the payload.
   */
  decode(bytes: Buffer, from: number): Uint8Array | null {
    let payloadStart = 0;
    let payloadEnd = 0;
    let at = from;
    while (at < bytes.length && this.#step !== 'done') {
      if (this.#step !== 'data') {
        const problem = this.#takeByte(bytes[at] ?? 0);
        if (problem !== null) {
          this.problem = problem;
          break;
        }
        at++;
        continue;
      }
      const end = Math.min(at + this.#size, bytes.length);
      if (payloadEnd === 0) {
        payloadStart = at;
        payloadEnd = end;
      } else {
        bytes.copyWithin(payloadEnd, at, end);
        payloadEnd += end - at;
      }
      this.#size -= end - at;
      if (this.#size === 0) this.#step = 'data_cr';
      at = end;
    }
    this.end = at;
    return payloadEnd === 0 ? null : partOf(bytes, payloadStart, payloadEnd);
  }

  #startLine(): void {
    this.#step = 'size';
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
  }

  /** One byte of framing. Returns what is wrong with it, or null. */
  #takeByte(byte: number): string | null {
    switch (this.#step) {
      case 'size':
        return this.#takeSize(byte);
      case 'extension':
        if (byte === CR) this.#step = 'size_lf';
        else if (!isText(byte)) return 'a control character in a chunk extension';
        else if (++this.#lineBytes > LINE_BYTES_MAX) return 'a chunk extension is too long';
        return null;
      case 'size_lf':
        if (byte !== LF) return 'a chunk size not ended by CR LF';
        this.#step = this.#size === 0 ? 'trailer_start' : 'data';
        return null;
      case 'data_cr':
        if (byte !== CR) return 'a chunk longer than its size';
        this.#step = 'data_lf';
        return null;
      case 'data_lf':
        if (byte !== LF) return 'a chunk not ended by CR LF';
        this.#startLine();
        return null;
      case 'last_lf':
        if (byte !== LF) return 'a body not ended by CR LF';
        this.#step = 'done';
        return null;
      default:
        return this.#takeTrailer(byte);
    }
  }

  #takeSize(byte: number): string | null {
    const digit = toDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > SIZE_DIGITS_MAX) return 'a chunk size is too large';
      this.#size = this.#size * 16 + digit;
      return null;
    }
    if (this.#digits === 0) return 'a chunk without a size';
    if (byte === CR) this.#step = 'size_lf';
    else if (byte === 0x3b || byte === 0x20 || byte === 0x09) this.#step = 'extension';
    else return 'a chunk size that is not hexadecimal';
    return null;
  }

  #takeTrailer(byte: number): string | null {
    if (++this.#trailerBytes > TRAILER_BYTES_MAX) return 'the trailers are too long';
    switch (this.#step) {
      case 'trailer_start':
        if (byte === CR) this.#step = 'last_lf';
        else if (isTokenByte(byte)) this.#step = 'trailer_name';
        else return 'a malformed trailer';
        return null;
      case 'trailer_name':
        if (byte === COLON) this.#step = 'trailer_value';
        else if (!isTokenByte(byte)) return 'a malformed trailer';
        return null;
      case 'trailer_value':
        if (byte === CR) this.#step = 'trailer_lf';
        else if (!isText(byte)) return 'a control character in a trailer';
        return null;
      default:
        if (byte !== LF) return 'a trailer not ended by CR LF';
        this.#step = 'trailer_start';
        return null;
    }
  }
}

function toDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

function isText(byte: number): boolean {
  return byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
}

function isTokenByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(byte));
}
