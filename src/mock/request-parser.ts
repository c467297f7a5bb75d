import {
  type HttpRequest,
  HttpSyntaxError,
  parseRequestHead,
  type RequestHead,
} from './http-request.ts';

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_CHUNK_LINE_BYTES = 1024;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const CRLF = Buffer.from('\r\n');
const EMPTY = Buffer.alloc(0);
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/;

/**
 * Turns the bytes of one connection into requests. Deliberately strict: the mock is what the
 * gateway's own HTTP client is tested against, so what a strict server would refuse is refused.
 */
export class RequestParser {
  readonly #maxBodyBytes: number;
  readonly #onExpectContinue: () => void;
  #rest: Buffer = EMPTY;
  #head: RequestHead | null = null;
  #parts: Buffer[] = [];
  #bodyBytes = 0;
  /** Bytes missing of the body or of the current chunk. */
  #missing = 0;
  #place: 'size' | 'data' | 'data_end' | 'trailers' = 'size';

  constructor(maxBodyBytes: number, onExpectContinue: () => void) {
    this.#maxBodyBytes = maxBodyBytes;
    this.#onExpectContinue = onExpectContinue;
  }

  /** Bytes received and not yet part of a returned request. */
  get bufferedBytes(): number {
    return this.#rest.length + this.#bodyBytes;
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
  }

  /** The next whole request, or null until more bytes come. Throws `HttpSyntaxError`. */
  next(): HttpRequest | null {
    const head = this.#head ?? this.#readHead();
    if (head === null) return null;
    const isWhole = head.framing === 'chunked' ? this.#readChunks() : this.#readMissing();
    if (!isWhole) return null;
    const body = this.#parts.length === 1 ? (this.#parts[0] ?? EMPTY) : Buffer.concat(this.#parts);
    this.#head = null;
    this.#parts = [];
    this.#bodyBytes = 0;
    const { method, path, query, headers, keepAlive, isHttp10 } = head;
    return { method, path, query, headers, body, keepAlive, isHttp10 };
  }

  #readHead(): RequestHead | null {
    const end = this.#rest.indexOf(END_OF_HEAD);
    if (end > MAX_HEAD_BYTES || (end < 0 && this.#rest.length > MAX_HEAD_BYTES)) {
      throw new HttpSyntaxError(431, 'head over 64 KB');
    }
    if (end < 0) return null;
    const head = parseRequestHead(this.#rest.toString('latin1', 0, end));
    this.#rest = this.#rest.subarray(end + END_OF_HEAD.length);
    this.#head = head;
    this.#place = 'size';
    this.#missing = 0;
    if (head.framing !== 'chunked') this.#expect(head.framing);
    if (head.expectsContinue && this.#rest.length === 0) this.#onExpectContinue();
    return head;
  }

  #expect(bytes: number): void {
    if (this.#bodyBytes + bytes > this.#maxBodyBytes)
      throw new HttpSyntaxError(413, 'body too large');
    this.#missing = bytes;
  }

  /** Moves what has come of the missing bytes into the body; true when none is missing. */
  #readMissing(): boolean {
    if (this.#missing === 0) return true;
    const part = this.#rest.subarray(0, this.#missing);
    this.#rest = this.#rest.subarray(part.length);
    this.#missing -= part.length;
    this.#bodyBytes += part.length;
    if (part.length > 0) this.#parts.push(part);
    return this.#missing === 0;
  }

  #readChunks(): boolean {
    for (;;) {
      if (this.#place === 'data') {
        if (!this.#readMissing()) return false;
        this.#place = 'data_end';
      }
      const line = this.#readLine();
      if (line === null) return false;
      if (this.#place === 'data_end') {
        if (line !== '') throw new HttpSyntaxError(400, 'chunk longer than its size');
        this.#place = 'size';
      } else if (this.#place === 'trailers') {
        if (line === '') return true;
      } else {
        const size = CHUNK_SIZE.exec(line)?.[1];
        if (size === undefined) throw new HttpSyntaxError(400, 'malformed chunk size');
        this.#expect(Number.parseInt(size, 16));
        this.#place = this.#missing === 0 ? 'trailers' : 'data';
      }
    }
  }

  #readLine(): string | null {
    const end = this.#rest.indexOf(CRLF);
    if (end > MAX_CHUNK_LINE_BYTES || (end < 0 && this.#rest.length > MAX_CHUNK_LINE_BYTES)) {
      throw new HttpSyntaxError(400, 'chunk line too long');
    }
    if (end < 0) return null;
    const line = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + CRLF.length);
    return line;
  }
}
