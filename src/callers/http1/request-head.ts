import { CallerHeaders } from './caller-headers.ts';

/**
 * The head of an HTTP/1.1 request (RFC 9112 §2–6), read strictly: whatever two servers could
 * understand differently is refused, because the difference is how requests are smuggled.
 */
export interface RequestHead {
  readonly method: string;
  /** As sent. */
  readonly target: string;
  /** As sent, from its first slash, without the query. Neither decoded nor resolved. */
  readonly path: string;
  /** What follows the `?`; empty when there is none. */
  readonly query: string;
  readonly headers: CallerHeaders;
  readonly framing: RequestFraming;
  /** HTTP/1.0, which knows no chunked replies. */
  readonly isOld: boolean;
  /** The caller lets the connection carry another request. */
  readonly keepAlive: boolean;
  /** The caller waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** How the end of the body is found: after so many bytes, none for a request without a body. */
export type RequestFraming = number | 'chunked';

/** Thrown for a request that is not HTTP/1.1 as we read it. The message is told to the caller. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const HEAD_LINES_MAX = 200;

/**
 * A whole head in one pass: request line, then `name:value` lines. Control characters, folded
 * lines, bare CR or LF, other blanks in the request line and blanks before a colon all fail to
 * match. The classes around each separator are disjoint, so matching is linear.
 */
const WELL_FORMED =
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP\/1\.[01]\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/** RFC 3986 §3.2.2: a name, an IPv4 address or a bracketed IPv6 address, and a port. */
const HOST = /^(?:[A-Za-z0-9\-._~%!$&'()*+,;=]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/;

const LENGTH = /^[0-9]{1,15}$/; // Fifteen digits stay below 2^53.

/**
 * `text` is the head as Latin-1, up to and with the line break of its last line, without the empty
 * line. Throws RequestProblem.
 */
export function parseRequestHead(text: string): RequestHead {
  if (!WELL_FORMED.test(text)) throw new RequestProblem(400, 'The request is not HTTP/1.1.');
  const lineEnd = text.indexOf('\r\n');
  const methodEnd = text.indexOf(' ');
  const target = text.slice(methodEnd + 1, lineEnd - 9);
  const isOld = text.charCodeAt(lineEnd - 1) === 0x30; // HTTP/1.0
  const { headers, length } = readLines(text, lineEnd + 2);
  checkHost(headers, isOld);
  const framing = toFraming(headers, length, isOld);
  const pathStart = toPathStart(target);
  const queryStart = target.indexOf('?', pathStart);
  const pathEnd = queryStart === -1 ? target.length : queryStart;
  return {
    method: text.slice(0, methodEnd),
    target,
    path: pathEnd === pathStart ? '/' : target.slice(pathStart, pathEnd),
    query: queryStart === -1 ? '' : target.slice(queryStart + 1),
    headers,
    framing,
    isOld,
    keepAlive: !isOld && !hasToken(headers.get('connection'), 'close'),
    expectsContinue: expectsContinue(headers, isOld, framing),
  };
}

interface Lines {
  /** Without `content-length`, which is the framing's. */
  readonly headers: CallerHeaders;
  /** Sent twice, even with one value, it is no number: somebody before us may have taken either. */
  readonly length: string | null;
}

function readLines(text: string, from: number): Lines {
  const names: string[] = [];
  const values: string[] = [];
  let length: string | null = null;
  let start = from;
  for (let lines = 0; start < text.length; lines += 1) {
    if (lines === HEAD_LINES_MAX) {
      throw new RequestProblem(431, 'The request has too many headers.');
    }
    const end = text.indexOf('\r\n', start);
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon).toLowerCase();
    const value = trimBlanks(text, colon + 1, end);
    if (name === 'content-length') {
      length = length === null ? value : `${length}, ${value}`;
    } else {
      names.push(name);
      values.push(value);
    }
    start = end + 2;
  }
  return { headers: new CallerHeaders(names, values), length };
}

/** Spaces and tabs only: `String.trim` would also take 0xA0, which is part of a value. */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** RFC 9112 §3.2: exactly one, and one that no other server could read as something else. */
function checkHost(headers: CallerHeaders, isOld: boolean): void {
  const count = headers.count('host');
  if (count === 0 && isOld) return;
  if (count !== 1 || !HOST.test(headers.get('host') ?? '')) {
    throw new RequestProblem(400, 'The Host header is not one host name.');
  }
}

/** RFC 9112 §6, minus every case in which it lets a server guess. */
function toFraming(headers: CallerHeaders, length: string | null, isOld: boolean): RequestFraming {
  const coding = headers.get('transfer-encoding');
  if (coding === null && length === null) return 0;
  if (coding !== null) {
    if (isOld || length !== null || headers.count('transfer-encoding') > 1) {
      throw new RequestProblem(400, 'The length of the body is stated in two ways.');
    }
    if (coding.toLowerCase() !== 'chunked') {
      throw new RequestProblem(501, 'Only the transfer coding "chunked" is understood.');
    }
    return 'chunked';
  }
  if (length === null || !LENGTH.test(length)) {
    throw new RequestProblem(400, 'Content-Length is not one number.');
  }
  return Number(length);
}

/** Where the path begins in `/path`, in `http://host/path`, and nowhere else. */
function toPathStart(target: string): number {
  if (target.charCodeAt(0) === 0x2f) return 0;
  const scheme = /^https?:\/\/[^/?#]+/i.exec(target);
  if (scheme === null) throw new RequestProblem(400, 'The request target is not a path.');
  return scheme[0].length;
}

function hasToken(list: string | null, token: string): boolean {
  if (list === null || list === 'keep-alive') return false;
  return list
    .toLowerCase()
    .split(',')
    .some((part) => part.trim() === token);
}

function expectsContinue(headers: CallerHeaders, isOld: boolean, framing: RequestFraming): boolean {
  const expected = headers.get('expect');
  if (expected === null || isOld) return false;
  if (expected.toLowerCase() !== '100-continue') {
    throw new RequestProblem(417, 'Only "100-continue" can be expected.');
  }
  return framing !== 0;
}
