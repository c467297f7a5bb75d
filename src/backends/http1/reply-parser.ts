import { partOf } from '../../core/part-of.ts';
import { ChunkedBody } from '../../protocols/chunked-body.ts';
import type { ReplyReader } from './client.ts';
import { type ParsedHead, ReplyProblem } from './reply-head.ts';
import { ReplyHeadMemory } from './reply-head-memory.ts';

export const HEAD_BYTES_MAX = 65_536;
/** Interim (1xx) replies before the real one; each is bounded like a head. */
const INTERIM_MAX = 16;

const BLANK_LINE = Buffer.from('\r\n\r\n');
const START = 'HTTP/1.';
const LF = 0x0a;
const CR = 0x0d;

/** What is known after some bytes: more are needed, the reply is complete, or it is unusable. */
export type Progress = 'more' | 'done' | 'broken';

type Phase = 'head' | 'length' | 'chunked' | 'until_close' | 'ended' | 'stopped';

/**
 * Reads one reply after another from the bytes of a connection and hands head and body to a
 * reader. The events are the same however the bytes are cut. It never throws on what it reads.
 */
export class ReplyParser {
  /** Why the last `feed` or `finish` said `broken`. */
  problem = '';
  /** Bytes came after the end of the reply: the two sides disagree on where it ended. */
  excess = false;
  readonly #memory = new ReplyHeadMemory();
  #phase: Phase = 'ended';
  #toHead = false;
  #interims = 0;
  /** The beginning of a head that came in pieces; at most HEAD_BYTES_MAX of it. */
  #held: Buffer | null = null;
  #heldSize = 0;
  #parsed: ParsedHead | null = null;
  #remaining = 0;
  #chunked: ChunkedBody | null = null;

  /** Prepares for the next reply. `toHead`: the request was a HEAD. */
  begin(toHead: boolean): void {
    this.#phase = 'head';
    this.#toHead = toHead;
    this.#interims = 0;
    this.#drop();
    this.#parsed = null;
    this.excess = false;
  }

  /** No more callbacks, even if `feed` is on the stack: it returns at the next chance. */
  stop(): void {
    this.#phase = 'stopped';
    this.#drop();
  }

  /** Whether the connection may carry another request, once a reply is done. */
  get keepAlive(): boolean {
    return this.#parsed?.keepAlive === true && !this.excess;
  }

  /** Whether the reply that is being read is one; false before its head. */
  get isEventStream(): boolean {
    return this.#parsed?.isEventStream === true;
  }

  get keepAliveMs(): number | null {
    return this.#parsed?.keepAliveMs ?? null;
  }

  /** `bytes` must belong to the parser from here on: chunks are moved together inside it. */
  feed(bytes: Buffer, reader: ReplyReader): Progress {
    let at = 0;
    try {
      while (this.#phase === 'head') {
        at = this.#takeHead(bytes, at, reader);
        if (at < 0) return 'more';
      }
    } catch (error) {
      if (!(error instanceof ReplyProblem)) throw error;
      return this.#break(error.message);
    }
    return this.#takeBody(bytes, at, reader);
  }

  /** The backend ended its side. `done` when that is how this body ends. */
  finish(): Progress {
    if (this.#phase === 'until_close') {
      this.#phase = 'ended';
      return 'done';
    }
    return this.#break('the connection was closed before the reply was complete');
  }

  #break(problem: string): Progress {
    this.stop();
    this.problem = problem;
    return 'broken';
  }

  /** Returns where the body or the next head begins, or -1 when the head is not complete. */
  #takeHead(bytes: Buffer, from: number, reader: ReplyReader): number {
    if (this.#heldSize === 0) {
      const blank = bytes.indexOf(BLANK_LINE, from);
      if (blank >= 0) {
        this.#readHead(bytes, from, blank, reader);
        return blank + BLANK_LINE.length;
      }
    }
    const before = this.#heldSize;
    const held = this.#hold(bytes, from);
    const blank = held.indexOf(BLANK_LINE, Math.max(0, before - BLANK_LINE.length + 1));
    if (blank < 0) {
      checkBeginning(held, before);
      return -1;
    }
    this.#drop();
    this.#readHead(held, 0, blank, reader);
    return from + blank + BLANK_LINE.length - before;
  }

  #readHead(bytes: Buffer, start: number, blank: number, reader: ReplyReader): void {
    if (blank - start > HEAD_BYTES_MAX - BLANK_LINE.length) {
      throw new ReplyProblem('the head is too long');
    }
    // With the line break of the last line, without the empty line.
    const parsed = this.#memory.read(bytes.toString('latin1', start, blank + 2), this.#toHead);
    if (parsed.head.status < 200) this.#skipInterim(parsed.head.status);
    else this.#enterBody(parsed, reader);
  }

  /** Keeps a piece of a head: rare, as servers write heads at once. What cannot fit is left out. */
  #hold(bytes: Buffer, from: number): Buffer {
    const size = Math.min(this.#heldSize + bytes.length - from, HEAD_BYTES_MAX);
    if (this.#held === null || this.#held.length < size) {
      const room = Buffer.allocUnsafeSlow(Math.min(Math.max(1_024, size * 2), HEAD_BYTES_MAX));
      this.#held?.copy(room, 0, 0, this.#heldSize);
      this.#held = room;
    }
    bytes.copy(this.#held, this.#heldSize, from, from + size - this.#heldSize);
    this.#heldSize = size;
    return this.#held.subarray(0, size);
  }

  #drop(): void {
    this.#held = null;
    this.#heldSize = 0;
  }

  #skipInterim(status: number): void {
    if (status === 101) throw new ReplyProblem('switching protocols was not asked for');
    if (++this.#interims > INTERIM_MAX) throw new ReplyProblem('too many interim replies');
  }

  #enterBody(parsed: ParsedHead, reader: ReplyReader): void {
    this.#parsed = parsed;
    const framing = parsed.framing;
    this.#phase = framing.kind;
    if (framing.kind === 'length') this.#remaining = framing.length;
    else if (framing.kind === 'chunked') {
      this.#chunked ??= new ChunkedBody();
      this.#chunked.reset();
    }
    reader.onHead(parsed.head);
  }

  #takeBody(bytes: Buffer, from: number, reader: ReplyReader): Progress {
    switch (this.#phase) {
      case 'length':
        return this.#takeLength(bytes, from, reader);
      case 'chunked':
        return this.#takeChunks(bytes, from, reader);
      case 'until_close':
        if (from < bytes.length)
          reader.onData(from === 0 ? bytes : partOf(bytes, from, bytes.length));
        return 'more';
      default:
        return 'more'; // Stopped by the reader.
    }
  }

  #takeLength(bytes: Buffer, from: number, reader: ReplyReader): Progress {
    const end = Math.min(bytes.length, from + this.#remaining);
    this.#remaining -= end - from;
    const last = this.#remaining === 0;
    if (end > from) {
      reader.onData(from === 0 && end === bytes.length ? bytes : partOf(bytes, from, end));
    }
    return last ? this.#end(end < bytes.length) : 'more';
  }

  #takeChunks(bytes: Buffer, from: number, reader: ReplyReader): Progress {
    const chunked = this.#chunked;
    if (chunked === null) return 'more';
    const payload = chunked.decode(bytes, from);
    if (payload !== null) reader.onData(payload);
    if (this.#phase !== 'chunked') return 'more'; // Stopped by the reader.
    if (chunked.problem !== null) return this.#break(chunked.problem);
    return chunked.done ? this.#end(chunked.end < bytes.length) : 'more';
  }

  #end(excess: boolean): Progress {
    if (this.#phase === 'stopped') return 'more';
    this.#phase = 'ended';
    this.excess = excess;
    return 'done';
  }
}

/** Refuses early what no further byte can turn into a head, instead of waiting for a deadline. */
function checkBeginning(held: Buffer, checked: number): void {
  const length = Math.min(held.length, START.length);
  if (held.toString('latin1', 0, length) !== START.slice(0, length)) {
    throw new ReplyProblem('the reply is not HTTP/1');
  }
  for (let at = held.indexOf(LF, checked); at >= 0; at = held.indexOf(LF, at + 1)) {
    if (held[at - 1] !== CR) throw new ReplyProblem('a line of the head not ended by CR LF');
  }
  if (held.length === HEAD_BYTES_MAX) throw new ReplyProblem('the head is too long');
}
