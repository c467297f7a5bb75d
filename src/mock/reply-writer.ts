import { GzipStream } from './gzip-stream.ts';
import type { ReplyShape } from './injection.ts';

const REASONS = new Map([
  [200, 'OK'],
  [204, 'No Content'],
  [301, 'Moved Permanently'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [413, 'Content Too Large'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [503, 'Service Unavailable'],
]);

// Fields that a proxy must not hand on (RFC 9110 §7.6.1), and one that would leak between callers.
const HOP_HEADERS =
  'set-cookie: mock_session=secret; Path=/\r\nkeep-alive: timeout=1, max=1\r\n' +
  'proxy-authenticate: Basic\r\nupgrade: h2c\r\nx-hop: 1\r\nconnection: x-hop, keep-alive\r\n';

export interface ReplyHead {
  readonly status: number;
  readonly contentType: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReplyTo {
  readonly isHttp10: boolean;
  readonly isHead: boolean;
  readonly keepAlive: boolean;
}

/**
 * Frames one reply as HTTP/1.1, or not quite as the shape asks. The head waits for the first part
 * of the body, so that the usual reply is one write.
 */
export class ReplyWriter {
  readonly #send: (data: string | Uint8Array) => void;
  readonly #shape: ReplyShape;
  readonly #to: ReplyTo;
  readonly #gzip: GzipStream | null;
  #heldHead = '';
  #framing: 'length' | 'chunked' | 'close' | 'none' = 'none';
  /** The parts of a body whose wrong length has to be known before its head. */
  #gathered: { head: ReplyHead; parts: Buffer[] } | null = null;

  constructor(send: (data: string | Uint8Array) => void, shape: ReplyShape, to: ReplyTo) {
    this.#send = send;
    this.#shape = shape;
    this.#to = to;
    this.#gzip = shape.isGzip ? new GzipStream() : null;
  }

  /** Whether the connection can carry another reply after this one. */
  get keepsAlive(): boolean {
    return this.#to.keepAlive && this.#framing !== 'close';
  }

  /** A reply whose body is known. `cut` sends only its first half and leaves the rest owed. */
  whole(head: ReplyHead, body: string | Uint8Array, cut = false): void {
    const data = this.#packWhole(body);
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const hasBody = head.status !== 204 && head.status !== 304;
    const delta = this.#shape.contentLengthDelta ?? 0;
    const isClose = this.#shape.isCloseDelimited;
    this.#framing = isClose ? 'close' : 'length';
    const framing = isClose ? '' : hasBody ? `content-length: ${length + delta}\r\n` : '';
    this.#heldHead = this.#renderHead(head, framing);
    if (!hasBody || this.#to.isHead) return this.flushHead();
    const sent = cut ? data.slice(0, length >> 1) : data;
    if (typeof sent === 'string') {
      this.#send(this.#heldHead + sent);
      this.#heldHead = '';
    } else {
      this.flushHead();
      this.#send(sent);
    }
  }

  /** Begins a reply whose end is not known yet. */
  start(head: ReplyHead): void {
    if (this.#shape.contentLengthDelta !== null) {
      this.#gathered = { head, parts: [] };
      return;
    }
    const isClose = this.#shape.isCloseDelimited || this.#to.isHttp10;
    this.#framing = isClose ? 'close' : 'chunked';
    this.#heldHead = this.#renderHead(head, isClose ? '' : 'transfer-encoding: chunked\r\n');
  }

  part(body: string | Uint8Array): void {
    if (body.length === 0) return;
    if (this.#gathered !== null) {
      this.#gathered.parts.push(Buffer.from(body));
      return;
    }
    const text = typeof body === 'string' && this.#shape.isCrlf ? toCrlf(body) : body;
    this.#frame(this.#gzip === null ? text : this.#gzip.piece(Buffer.from(text)));
  }

  /** Ends the body properly. */
  end(): void {
    if (this.#gathered !== null) {
      const { head, parts } = this.#gathered;
      this.#gathered = null;
      return this.whole(head, Buffer.concat(parts));
    }
    if (this.#gzip !== null && this.#framing !== 'length') this.#frame(this.#gzip.end());
    if (this.#framing === 'chunked') this.#sendWithHead('0\r\n\r\n');
    else this.flushHead();
  }

  flushHead(): void {
    if (this.#heldHead !== '') this.#send(this.#heldHead);
    this.#heldHead = '';
  }

  /** Puts bytes on the wire as they are, after whatever is held. */
  raw(data: string | Uint8Array): void {
    this.flushHead();
    this.#send(data);
  }

  #frame(data: string | Uint8Array): void {
    if (this.#framing !== 'chunked') return this.#sendWithHead(data);
    if (typeof data === 'string') {
      this.#sendWithHead(`${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`);
      return;
    }
    this.#sendWithHead(`${data.length.toString(16)}\r\n`);
    this.#send(data);
    this.#send('\r\n');
  }

  #sendWithHead(data: string | Uint8Array): void {
    if (typeof data === 'string') {
      this.#send(this.#heldHead + data);
      this.#heldHead = '';
      return;
    }
    this.flushHead();
    this.#send(data);
  }

  #packWhole(body: string | Uint8Array): string | Uint8Array {
    if (this.#gzip === null) return body;
    return Buffer.concat([this.#gzip.piece(Buffer.from(body)), this.#gzip.end()]);
  }

  #renderHead(head: ReplyHead, framing: string): string {
    const { informationalCount, hasHopHeaders, paddingBytes } = this.#shape;
    let text = 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'.repeat(
      informationalCount,
    );
    text += `HTTP/1.1 ${head.status} ${REASONS.get(head.status) ?? 'Status'}\r\n`;
    if (head.contentType !== null) text += `content-type: ${head.contentType}\r\n`;
    for (const name in head.headers) text += `${name}: ${head.headers[name]}\r\n`;
    if (this.#shape.isGzip) text += 'content-encoding: gzip\r\n';
    if (hasHopHeaders) text += HOP_HEADERS;
    if (paddingBytes > 0) text += `x-padding: ${'p'.repeat(paddingBytes)}\r\n`;
    if (!this.keepsAlive) text += 'connection: close\r\n';
    return `${text}${framing}\r\n`;
  }
}

function toCrlf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}
