import { STATUS_CODES } from 'node:http';
import type { ReplyFields } from './caller-request.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** The server writes these itself. */
const NOT_A_FIELD = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** Names seen to be good, so that a reply costs a look-up each. */
const goodNames = new Set<string>();
const GOOD_NAMES_MAX = 1_024;

const statusLines = new Map<number, string>();

/**
 * The status line and the fields, without the empty line. Throws an Error for what would be read as
 * another line or another framing: a bug of ours, so nothing is sent.
 */
export function renderReplyHead(status: number, fields: ReplyFields): string {
  let text = statusLines.get(status) ?? addStatusLine(status);
  for (const name in fields) {
    const value = fields[name] ?? '';
    if (!goodNames.has(name)) checkName(name);
    if (NOT_IN_VALUE.test(value)) {
      throw new Error(`the value of reply header ${name} has a forbidden character`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

function addStatusLine(status: number): string {
  const reason = STATUS_CODES[status];
  if (reason === undefined || status < 200) throw new Error(`${status} is no status of a reply`);
  const line = `HTTP/1.1 ${status} ${reason}\r\n`;
  statusLines.set(status, line);
  return line;
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new Error('a reply header name is not a lower-case token');
  if (NOT_A_FIELD.has(name)) throw new Error(`reply header ${name} is the server's`);
  if (goodNames.size < GOOD_NAMES_MAX) goodNames.add(name);
}

/** The line that says what time it is, made once a second. */
export class DateLine {
  #second = Number.NaN;
  #line = '';

  at(nowMs: number): string {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#line = `date: ${new Date(nowMs).toUTCString()}\r\n`;
    }
    return this.#line;
  }
}
