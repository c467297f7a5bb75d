import { fromErrorValue, isErrorValue } from '../protocols/backend-error.ts';
import { isObject } from '../protocols/call-fields.ts';
import { RepeatedFrame } from '../protocols/repeated-frame.ts';
import { FrameSplitter, parseFrame } from '../protocols/sse.ts';
import type { AnswerFault } from './answer-fault.ts';
import { readStatedTokens, type StatedTokens } from './answer-usage.ts';

/** A frame longer than this is no frame of a text protocol. */
const FRAME_BYTES_MAX = 1024 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Told of each piece of an answer, in order. */
export type OnPiece = (isReasoning: boolean) => void;

/** Reads the stream of a chat or a completion: what came when, and whether it came whole. */
export class StreamAnswer {
  /** Pieces with text; one may be several tokens. */
  pieces = 0;
  stated: StatedTokens | null = null;
  /** Usage came, and could not be true. */
  statedNonsense = false;
  isDone = false;
  readonly #splitter = new FrameSplitter(FRAME_BYTES_MAX);
  readonly #repeated = new RepeatedFrame();
  #repeatsReasoning = false;
  readonly #onPiece: OnPiece;

  constructor(onPiece: OnPiece) {
    this.#onPiece = onPiece;
  }

  /** Null while there is nothing wrong. After a fault nothing more may be pushed. */
  push(bytes: Uint8Array): AnswerFault | null {
    const splitter = this.#splitter;
    splitter.push(bytes);
    let start = 0;
    for (const end of splitter.ends) {
      const fault = this.#readFrame(splitter.bytes, start, end);
      if (fault !== null) return fault;
      start = end;
    }
    return splitter.isOverflowing
      ? { class: 'too_large', detail: 'a frame of more than 1 MiB' }
      : null;
  }

  /** Whether what came is all there is. */
  finish(): AnswerFault | null {
    if (!this.isDone) {
      return { class: 'stream_broken', detail: 'the stream ended without data: [DONE]' };
    }
    if (this.pieces === 0) return { class: 'no_tokens', detail: 'the stream held no token' };
    return null;
  }

  #readFrame(bytes: Uint8Array, start: number, end: number): AnswerFault | null {
    if (this.#repeated.textLengthIn(bytes, start, end) > 0) {
      this.#piece(this.#repeatsReasoning);
      return null;
    }
    let data: string;
    let event: unknown;
    try {
      data = parseFrame(utf8.decode(bytes.subarray(start, end))).data;
      if (data === '' || data === '[DONE]') {
        this.isDone ||= data !== '';
        return null;
      }
      event = JSON.parse(data);
    } catch {
      return { class: 'malformed', detail: 'a frame that is not JSON' };
    }
    if (!isObject(event)) return { class: 'malformed', detail: 'a frame that is no object' };
    if (isErrorValue(event)) {
      const { message } = fromErrorValue(event);
      return { class: 'error_in_stream', detail: message ?? 'an error without a message' };
    }
    this.#readEvent(event, bytes.subarray(start, end));
    return null;
  }

  #readEvent(event: Readonly<Record<string, unknown>>, frame: Uint8Array): void {
    if (event['usage'] !== null && event['usage'] !== undefined) {
      this.stated = readStatedTokens(event['usage']) ?? this.stated;
      this.statedNonsense = this.stated === null;
    }
    const choices: unknown = event['choices'];
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    const found = isObject(choice) ? findPiece(choice) : null;
    if (found === null) return;
    this.#piece(found.isReasoning);
    if (found.text === null) return;
    this.#repeatsReasoning = found.isReasoning;
    this.#repeated.remember(frame, found.member, found.text);
  }

  #piece(isReasoning: boolean): void {
    this.pieces += 1;
    this.#onPiece(isReasoning);
  }
}

interface Piece {
  readonly member: string;
  /** Null when it is no text: a piece of a tool call. */
  readonly text: string | null;
  readonly isReasoning: boolean;
}

const REASONING = ['reasoning_content', 'reasoning'];

function findPiece(choice: Readonly<Record<string, unknown>>): Piece | null {
  const { delta } = choice as { delta?: unknown };
  if (!isObject(delta)) return textIn(choice, 'text', false);
  for (const member of REASONING) {
    const piece = textIn(delta, member, true);
    if (piece !== null) return piece;
  }
  const calls: unknown = delta['tool_calls'];
  if (Array.isArray(calls) && calls.length > 0) {
    return { member: 'arguments', text: null, isReasoning: false };
  }
  return textIn(delta, 'content', false) ?? textIn(delta, 'refusal', false);
}

function textIn(
  object: Readonly<Record<string, unknown>>,
  member: string,
  isReasoning: boolean,
): Piece | null {
  const text = object[member];
  return typeof text === 'string' && text !== '' ? { member, text, isReasoning } : null;
}
