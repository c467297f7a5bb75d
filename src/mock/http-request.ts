/** One HTTP/1.1 request with its whole body, as the mock saw it on the wire. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query, not decoded. */
  readonly path: string;
  readonly query: string;
  /** Names in lower case; values of repeated fields joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** False for HTTP/1.0 and for `connection: close`. */
  readonly keepAlive: boolean;
  readonly isHttp10: boolean;
}

/** The bytes are not a request that RFC 9112 allows. The connection cannot be used any more. */
export class HttpSyntaxError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpSyntaxError';
    this.status = status;
  }
}

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly keepAlive: boolean;
  readonly isHttp10: boolean;
  /** Bytes that follow, or `chunked`. */
  readonly framing: number | 'chunked';
  readonly expectsContinue: boolean;
}

const REQUEST_LINE = /^([A-Z]{1,20}) (\/[^ ?#]*)(?:\?([^ #]*))? HTTP\/1\.([01])$/;
const NOT_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/;
// Control characters may not appear in a field value (RFC 9110 §5.5); tab may.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;
const LENGTH = /^[0-9]{1,15}$/;

/** Parses the lines before the blank line. Throws `HttpSyntaxError` where a strict server would. */
export function parseRequestHead(text: string): RequestHead {
  const lines = text.split('\r\n');
  const first = REQUEST_LINE.exec(lines[0] ?? '');
  if (first === null) throw new HttpSyntaxError(400, 'malformed request line');
  const headers = new Map<string, string>();
  for (let i = 1; i < lines.length; i++) addHeader(headers, lines[i] ?? '');
  const isHttp10 = first[4] === '0';
  if (!isHttp10 && !headers.has('host')) throw new HttpSyntaxError(400, 'no host header');
  const connection = headers.get('connection');
  return {
    method: first[1] ?? '',
    path: first[2] ?? '',
    query: first[3] ?? '',
    headers,
    keepAlive: !isHttp10 && connection?.toLowerCase() !== 'close',
    isHttp10,
    framing: framingOf(headers),
    expectsContinue: headers.get('expect')?.toLowerCase() === '100-continue',
  };
}

function addHeader(headers: Map<string, string>, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
  if (name === '' || NOT_TOKEN.test(name)) throw new HttpSyntaxError(400, 'malformed header name');
  const value = line.slice(colon + 1).trim();
  if (BAD_VALUE.test(value)) throw new HttpSyntaxError(400, `control character in ${name}`);
  const earlier = headers.get(name);
  if (earlier === undefined) {
    headers.set(name, value);
    return;
  }
  // Two of these let two parsers see two different requests (RFC 9112 §6.3, §3.2).
  if (name === 'content-length' || name === 'transfer-encoding' || name === 'host') {
    throw new HttpSyntaxError(400, `${name} given twice`);
  }
  headers.set(name, `${earlier}, ${value}`);
}

function framingOf(headers: ReadonlyMap<string, string>): number | 'chunked' {
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    if (length !== undefined) {
      throw new HttpSyntaxError(400, 'content-length beside transfer-encoding');
    }
    if (coding.toLowerCase() !== 'chunked') throw new HttpSyntaxError(501, 'unknown coding');
    return 'chunked';
  }
  if (length === undefined) return 0;
  if (!LENGTH.test(length)) throw new HttpSyntaxError(400, 'malformed content-length');
  return Number(length);
}
