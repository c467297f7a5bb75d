/**
 * The head of an HTTP/1.1 reply (RFC 9112 §4–6), read strictly: whatever two readers could
 * understand differently is refused, because the difference is how requests are smuggled.
 */
export interface ReplyHead {
  readonly status: number;
  readonly headers: ReplyHeaders;
}

export interface ReplyHeaders {
  /** The first value of a header; `name` in lower case. */
  get(name: string): string | undefined;
  /** In the order of arrival, names in lower case, values without surrounding blanks. */
  readonly entries: readonly (readonly [string, string])[];
}

/** How the end of the body is found. `length` counts bytes. */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until_close' };

export interface ParsedHead {
  readonly head: ReplyHead;
  readonly framing: Framing;
  /** False when the connection must not carry another request. */
  readonly keepAlive: boolean;
  /** What `Keep-Alive: timeout=` promises, when it is there. */
  readonly keepAliveMs: number | null;
  /** Its body comes bit by bit, and is passed on as it comes. */
  readonly isEventStream: boolean;
}

/** Thrown for a reply that is not HTTP/1.1 as we read it. The message is for logs. */
export class ReplyProblem extends Error {
  override readonly name = 'ReplyProblem';
}

export const HEAD_LINES_MAX = 200;

/**
 * A whole head in one pass: status line, then `name:value` lines. Control characters, folded lines,
 * bare CR or LF and blanks before the colon all fail to match. The classes around each separator are
 * disjoint, so matching is linear.
 */
const WELL_FORMED =
  /^HTTP\/1\.[01] [1-5][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

const EVENT_STREAM = /^text\/event-stream(?:$|[;\s])/i;

const NO_BODY: Framing = { kind: 'length', length: 0 };
const CHUNKED: Framing = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until_close' };

class HeaderList implements ReplyHeaders {
  readonly entries: readonly (readonly [string, string])[];

  constructor(entries: readonly (readonly [string, string])[]) {
    this.entries = entries;
  }

  get(name: string): string | undefined {
    for (const entry of this.entries) if (entry[0] === name) return entry[1];
    return undefined;
  }
}

/**
 * `text` is the head as Latin-1, up to and with the line break of its last line, without the empty
 * line. `toHead`: the request was a HEAD, so no body follows. Throws ReplyProblem.
 */
export function parseReplyHead(text: string, toHead: boolean): ParsedHead {
  if (!WELL_FORMED.test(text)) throw new ReplyProblem('malformed status or header line');
  const status =
    text.charCodeAt(9) * 100 + text.charCodeAt(10) * 10 + text.charCodeAt(11) - 48 * 111;
  const entries = splitLines(text);

  let length: string | null = null;
  let coding: string | null = null;
  let connection = '';
  let keepAlive: string | null = null;
  let isEventStream = false;
  for (const [name, value] of entries) {
    if (name === 'content-length') {
      if (length !== null && length !== value) throw new ReplyProblem('content-lengths differ');
      length = value;
    } else if (name === 'transfer-encoding') {
      if (coding !== null) throw new ReplyProblem('more than one transfer-encoding');
      coding = value;
    } else if (name === 'connection') connection += `,${value}`;
    else if (name === 'keep-alive') keepAlive = value;
    else if (name === 'content-type') isEventStream = EVENT_STREAM.test(value);
  }

  const old = text.charCodeAt(7) === 48; // HTTP/1.0
  if (coding !== null && old) throw new ReplyProblem('transfer-encoding in an HTTP/1.0 reply');
  const framing = toFraming(status, toHead, length, coding);
  return {
    head: { status, headers: new HeaderList(entries) },
    framing,
    keepAlive: !old && framing !== UNTIL_CLOSE && !hasToken(connection, 'close'),
    keepAliveMs: keepAlive === null ? null : parseKeepAlive(keepAlive),
    isEventStream,
  };
}

/** The same head with another `content-length`. */
export function withLength(known: ParsedHead, length: number): ParsedHead {
  const { head, framing } = known;
  const value = String(length);
  const entries = head.headers.entries.map((entry) =>
    entry[0] === 'content-length' ? (['content-length', value] as const) : entry,
  );
  return {
    ...known,
    head: { status: head.status, headers: new HeaderList(entries) },
    // A body that the status forbids stays away, whatever is stated.
    framing: framing === NO_BODY ? NO_BODY : { kind: 'length', length },
  };
}

function splitLines(text: string): (readonly [string, string])[] {
  const entries: (readonly [string, string])[] = [];
  let start = text.indexOf('\r\n') + 2;
  while (start < text.length) {
    if (entries.length === HEAD_LINES_MAX) throw new ReplyProblem('too many header lines');
    const end = text.indexOf('\r\n', start);
    const colon = text.indexOf(':', start);
    entries.push([text.slice(start, colon).toLowerCase(), trimBlanks(text, colon + 1, end)]);
    start = end + 2;
  }
  return entries;
}

/** Spaces and tabs only: `String.trim` would also take 0xA0, which is part of a value. */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** RFC 9112 §6.3, minus every case in which it lets a client guess. */
function toFraming(
  status: number,
  toHead: boolean,
  length: string | null,
  coding: string | null,
): Framing {
  if (coding !== null && length !== null) {
    throw new ReplyProblem('both transfer-encoding and content-length');
  }
  if (coding !== null && coding.toLowerCase() !== 'chunked') {
    throw new ReplyProblem('a transfer-encoding other than chunked');
  }
  // Fifteen digits stay below 2^53.
  if (length !== null && !/^[0-9]{1,15}$/.test(length)) {
    throw new ReplyProblem('content-length is not a number');
  }
  if (toHead || status < 200 || status === 204 || status === 304) return NO_BODY;
  if (coding !== null) return CHUNKED;
  if (length !== null) return { kind: 'length', length: Number(length) };
  return UNTIL_CLOSE;
}

function hasToken(list: string, token: string): boolean {
  if (list === '') return false;
  return list
    .toLowerCase()
    .split(',')
    .some((part) => part.trim() === token);
}

function parseKeepAlive(value: string): number | null {
  const seconds = /(?:^|[,;\s])timeout\s*=\s*"?([0-9]{1,9})/i.exec(value)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}
