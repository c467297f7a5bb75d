import { GateError } from '../core/error.ts';
import { findCommonName } from './common-names.ts';
import { neutralText } from './neutral-text.ts';
import { findSpecialName, SPECIAL, specialNameOf } from './special-names.ts';

/** Bounds that are checked before the body is parsed. */
export interface JsonCaps {
  /** Objects and arrays inside each other; the body itself is 1. */
  readonly maxDepth: number;
  /** Object members in the whole body. */
  readonly maxMembers: number;
  /** Array items in the whole body. */
  readonly maxItems: number;
  /** Characters of one number. */
  readonly maxNumberDigits: number;
}

export const JSON_CAPS: JsonCaps = {
  maxDepth: 64,
  maxMembers: 100_000,
  maxItems: 1_000_000,
  maxNumberDigits: 1_000,
};

/** Bytes `start` (inclusive) to `end` (exclusive) of a value in the body. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where the top-level members of a request are. */
export interface JsonScan {
  find(name: string): ByteRange | undefined;
  /** Where a new member goes: the closing brace of the body. */
  readonly insertAt: number;
  readonly isEmpty: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Strings at most this long are cheaper to walk in place than with a native search. */
const SHORT_STRING = 24;
const utf8 = new TextDecoder('utf-8');

/**
 * One pass over the bytes of a request before `JSON.parse` sees them.
 *
 * It bounds what parsing can cost, finds the byte ranges that edits need, and refuses what two
 * parsers could read differently: duplicate members (also by case, which Go servers ignore),
 * `__proto__`, `constructor.prototype`, and fields that would choose the backend (`api_base` and
 * its kin, see `special-names.ts`). It does not check numbers, escapes or UTF-8; `JSON.parse` does.
 *
 * @throws GateError `invalid_json` or `unsupported_field`, saying where.
 */
export function scanJson(bytes: Uint8Array, caps: JsonCaps): JsonScan {
  return new Scanner(bytes, caps).run();
}

interface Member extends ByteRange {
  readonly name: string;
  /** The name without its case: two that differ only in it are one to some servers. */
  readonly folded: string;
}

/** Members up to which a repeated name is looked for one by one. */
const WALKED_MEMBERS = 24;

class Scanner {
  readonly #bytes: Uint8Array;
  readonly #caps: JsonCaps;
  /** Top-level members in order; few enough in real requests that a walk beats a table. */
  readonly #members: Member[] = [];
  /** Takes over from the walk when there are many, so that no body makes it quadratic. */
  #names: Set<string> | undefined;
  /** The way to the value being read, for messages: key range or array index of every level. */
  readonly #keyStart: number[] = [];
  readonly #keyEnd: number[] = [];
  #at = 0;
  #depth = 0;
  #memberCount = 0;
  #itemCount = 0;

  constructor(bytes: Uint8Array, caps: JsonCaps) {
    this.#bytes = bytes;
    this.#caps = caps;
  }

  run(): JsonScan {
    this.#checkStart();
    this.#object(false, false);
    const insertAt = this.#at - 1;
    this.#skipSpace();
    if (this.#at < this.#bytes.length) this.#fail('There is more after the end of the JSON object');
    const members = this.#members;
    return {
      insertAt,
      isEmpty: members.length === 0,
      find: (name) => members.find((member) => member.name === name),
    };
  }

  #checkStart(): void {
    const [first, second] = this.#bytes;
    if (first === 0xef && second === 0xbb) this.#fail('The body starts with a byte order mark');
    if (first === 0xff || first === 0xfe || first === 0 || second === 0) {
      this.#fail('The body must be UTF-8');
    }
    this.#skipSpace();
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.#fail('The body is empty');
    if (byte !== OPEN_BRACE) this.#fail('The body must be a JSON object');
  }

  /** `isContent`: inside what the user wrote, where any name is allowed. */
  #value(isContent: boolean, ofConstructor: boolean): void {
    const byte = this.#bytes[this.#at];
    if (byte === QUOTE) this.#string();
    else if (byte === OPEN_BRACE) this.#object(isContent, ofConstructor);
    else if (byte === OPEN_BRACKET) this.#array(isContent);
    else if (byte === 0x74) this.#literal('true');
    else if (byte === 0x66) this.#literal('false');
    else if (byte === 0x6e) this.#literal('null');
    else this.#number();
  }

  #object(isContent: boolean, ofConstructor: boolean): void {
    const bytes = this.#bytes;
    const depth = this.#enter();
    let more = bytes[this.#at] !== CLOSE_BRACE;
    while (more) {
      if (bytes[this.#at] !== QUOTE) this.#fail('A member name in double quotes is expected');
      const keyStart = this.#at + 1;
      this.#string();
      const keyEnd = this.#at - 1;
      this.#keyStart[depth] = keyStart;
      this.#keyEnd[depth] = keyEnd;
      if (++this.#memberCount > this.#caps.maxMembers) {
        this.#fail(`The body has more than ${this.#caps.maxMembers} members`);
      }
      const special = findSpecialName(bytes, keyStart, keyEnd);
      if (special !== SPECIAL.none) this.#checkName(special, isContent, ofConstructor);
      this.#skipSpace();
      if (bytes[this.#at] !== COLON) this.#fail('A colon is expected');
      this.#at += 1;
      this.#skipSpace();
      const start = this.#at;
      this.#value(isContent || special === SPECIAL.content, special === SPECIAL.constructor);
      if (depth === 1) this.#record(keyStart, keyEnd, start);
      more = this.#another(CLOSE_BRACE);
    }
    this.#leave();
  }

  #array(isContent: boolean): void {
    const depth = this.#enter();
    let more = this.#bytes[this.#at] !== CLOSE_BRACKET;
    this.#keyStart[depth] = -1;
    for (let index = 0; more; index++) {
      this.#keyEnd[depth] = index;
      if (++this.#itemCount > this.#caps.maxItems) {
        this.#fail(`The body has more than ${this.#caps.maxItems} array items`);
      }
      this.#value(isContent, false);
      more = this.#another(CLOSE_BRACKET);
    }
    this.#leave();
  }

  #enter(): number {
    if (this.#depth >= this.#caps.maxDepth) {
      this.#fail(`The body is nested deeper than ${this.#caps.maxDepth} levels`);
    }
    this.#depth += 1;
    this.#keyStart[this.#depth] = 0;
    this.#keyEnd[this.#depth] = 0;
    this.#at += 1;
    this.#skipSpace();
    return this.#depth;
  }

  #leave(): void {
    this.#depth -= 1;
    this.#at += 1;
  }

  /** Past a comma: true. At the closing byte: false. */
  #another(close: number): boolean {
    this.#skipSpace();
    const byte = this.#bytes[this.#at];
    if (byte === close) return false;
    if (byte !== COMMA) this.#fail('A comma or the end of the list is expected');
    this.#at += 1;
    this.#skipSpace();
    return true;
  }

  #string(): void {
    const bytes = this.#bytes;
    let from = this.#at + 1;
    for (const near = from + SHORT_STRING; from < near; from++) {
      const byte = bytes[from];
      if (byte === QUOTE) {
        this.#at = from + 1;
        return;
      }
      if (byte === BACKSLASH) break;
    }
    for (;;) {
      const quote = bytes.indexOf(QUOTE, from);
      if (quote === -1) this.#fail('A string is not closed');
      let before = quote - 1;
      while (bytes[before] === BACKSLASH) before -= 1;
      from = quote + 1;
      // An even number of backslashes escapes itself, not the quote.
      if ((quote - before) % 2 === 1) break;
    }
    this.#at = from;
  }

  #number(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    for (;;) {
      const byte = bytes[this.#at];
      if (byte === undefined) break;
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (!isDigit && byte !== 0x2d && byte !== 0x2e && (byte | 0x20) !== 0x65 && byte !== 0x2b) {
        break;
      }
      this.#at += 1;
    }
    if (this.#at === start) this.#fail('A JSON value is expected');
    if (this.#at - start > this.#caps.maxNumberDigits) {
      this.#fail(`A number is longer than ${this.#caps.maxNumberDigits} digits`);
    }
  }

  #literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) this.#fail('A JSON value is expected');
    }
    this.#at += word.length;
  }

  #skipSpace(): void {
    const bytes = this.#bytes;
    for (;;) {
      const byte = bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  #checkName(special: number, isContent: boolean, ofConstructor: boolean): void {
    if (special === SPECIAL.proto || (special === SPECIAL.prototype && ofConstructor)) {
      this.#fail('This member name is not allowed');
    }
    if (special === SPECIAL.routing && !isContent) {
      throw new GateError(
        'unsupported_field',
        `The field ${this.#path()} is not supported: a request does not choose the backend.`,
        { param: this.#path() },
      );
    }
  }

  #record(keyStart: number, keyEnd: number, start: number): void {
    const known = findCommonName(this.#bytes, keyStart, keyEnd);
    const name = known ?? this.#nameAt(keyStart, keyEnd);
    // Upper case first: it also unites the two letters that only fold that way (U+017F, U+212A).
    const folded = known ?? name.toUpperCase().toLowerCase();
    if (this.#isRecorded(folded)) this.#fail('The member appears twice');
    this.#members.push({ name, folded, start, end: this.#at });
    this.#names?.add(folded);
  }

  #isRecorded(folded: string): boolean {
    if (this.#names !== undefined) return this.#names.has(folded);
    for (const member of this.#members) if (member.folded === folded) return true;
    if (this.#members.length >= WALKED_MEMBERS) {
      this.#names = new Set(this.#members.map((member) => member.folded));
    }
    return false;
  }

  #nameAt(start: number, end: number): string {
    const raw = utf8.decode(this.#bytes.subarray(start, end));
    if (!raw.includes('\\')) return raw;
    return specialNameOf(raw) ?? this.#fail('A member name has an escape that is not JSON');
  }

  #path(): string {
    let path = '';
    for (let level = 1; level <= this.#depth; level++) {
      const start = this.#keyStart[level] ?? 0;
      const end = this.#keyEnd[level] ?? 0;
      if (start === -1) path += `[${end}]`;
      else if (start > 0) {
        const name = neutralText(
          utf8.decode(this.#bytes.subarray(start, Math.min(end, start + 80))),
          40,
        );
        path += path === '' ? name : `.${name}`;
      }
    }
    return path;
  }

  #fail(what: string): never {
    const path = this.#path();
    const where = path === '' ? `byte ${this.#at}` : `${path} (byte ${this.#at})`;
    throw new GateError('invalid_json', `${what}, at ${where}.`);
  }
}
