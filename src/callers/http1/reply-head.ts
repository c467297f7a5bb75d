import { STATUS_CODES } from 'node:http';
import type { ReplyFields } from './caller-request.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** The server writes these itself. */
const NOT_A_FIELD = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** `name: ` by name, for names that are good. They are ours, so few. */
const prefixes = new Map<string, string>();
const PREFIXES_MAX = 1_024;

const statusLines = new Map<number, string>();

/** By number of lines: that many, and in them what a value may hold. */
const wellFormed: RegExp[] = [];

/**
 * The status line and the fields, without the empty line. Throws an Error for what would be read as
 * another line or another framing: a bug of ours, so nothing is sent.
 */
export function renderReplyHead(status: number, fields: ReplyFields): string {
  let text = statusLines.get(status) ?? addStatusLine(status);
  let lines = 1;
  for (const name in fields) {
    text += `${prefixes.get(name) ?? addPrefix(name)}${fields[name]}\r\n`;
    lines += 1;
  }
  // All values in one go, because each alone costs forty nanoseconds: a line break in one of them
  // makes a line too many.
  if (!linesOf(lines).test(text)) {
    throw new Error('the value of a reply header has a forbidden character');
  }
  return text;
}

function linesOf(count: number): RegExp {
  const known = wellFormed[count];
  if (known !== undefined) return known;
  const made = new RegExp(`^(?:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n){${count}}$`);
  wellFormed[count] = made;
  return made;
}

function addStatusLine(status: number): string {
  const reason = STATUS_CODES[status];
  if (reason === undefined || status < 200) throw new Error(`${status} is no status of a reply`);
  const line = `HTTP/1.1 ${status} ${reason}\r\n`;
  statusLines.set(status, line);
  return line;
}

function addPrefix(name: string): string {
  if (!NAME.test(name)) throw new Error('a reply header name is not a lower-case token');
  if (NOT_A_FIELD.has(name)) throw new Error(`reply header ${name} is the server's`);
  const prefix = `${name}: `;
  if (prefixes.size < PREFIXES_MAX) prefixes.set(name, prefix);
  return prefix;
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
