import { GateError } from '../core/error.ts';
import type { Usage } from '../core/usage.ts';
import { fromErrorValue, isErrorValue } from './backend-error.ts';
import { isObject } from './call-fields.ts';
import { neutralText } from './neutral-text.ts';
import { RepeatedFrame } from './repeated-frame.ts';
import type { ReportedUsage } from './reported-usage.ts';
import { type Frame, FrameSplitter, parseFrame } from './sse.ts';
import type { StreamReader, StreamStep } from './wire.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** What becomes of one frame: sent on, kept from the caller, or taken for the terminal. */
export type Verdict = 'forward' | 'hide' | 'end';

/** What one protocol makes of its frames. */
export interface FrameJudge {
  /** `data: [DONE]` is the terminal of this protocol. */
  readonly endsWithDone: boolean;
  /**
   * Sees every frame that holds a JSON object and is no error, once and in order. `type` is the
   * object's own `type`, else the name of the event, else empty.
   */
  judge(type: string, event: JsonObject): Verdict;
  /**
   * The one string that made the frame judged last what it is, when frames that differ only there
   * deserve the same verdict; null when the next must be judged by itself.
   */
  readonly repeatable?: { readonly member: string; readonly text: string } | null;
  /** Counts a frame like that one, with so many ASCII characters in its string. */
  repeat?(length: number): void;
  readonly reported: ReportedUsage | null;
  readonly outputTokensCounted: number;
  readonly sawContent: boolean;
}

/** A frame longer than this is no frame of a text protocol. */
export const MAX_FRAME_BYTES = 1024 * 1024;

const NOTHING: StreamStep = { forward: null, end: null, fault: null };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The part of reading a stream that all protocols share: only whole frames go on, so that an error
 * frame put in behind them can never land inside half a frame.
 */
export function createFrameStream(
  judge: FrameJudge,
  maxFrameBytes: number = MAX_FRAME_BYTES,
): StreamReader {
  return new FrameStream(judge, maxFrameBytes);
}

class FrameStream implements StreamReader {
  readonly #judge: FrameJudge;
  readonly #splitter: FrameSplitter;
  readonly #repeated = new RepeatedFrame();
  #isOver = false;

  constructor(judge: FrameJudge, maxFrameBytes: number) {
    this.#judge = judge;
    this.#splitter = new FrameSplitter(maxFrameBytes);
  }

  get usage(): Usage | null {
    return this.#judge.reported?.usage ?? null;
  }

  get isUsageSound(): boolean {
    return this.#judge.reported?.isSound ?? true;
  }

  get outputTokensCounted(): number {
    return this.#judge.outputTokensCounted;
  }

  get sawContent(): boolean {
    return this.#judge.sawContent;
  }

  get pendingBytes(): number {
    return this.#splitter.pendingBytes;
  }

  push(chunk: Uint8Array): StreamStep {
    if (this.#isOver || chunk.length === 0) return NOTHING;
    const splitter = this.#splitter;
    splitter.push(chunk);
    const { bytes, ends } = splitter;
    const kept: Uint8Array[] = [];
    let runStart = 0;
    let start = 0;
    for (const end of ends) {
      const verdict = this.#verdict(bytes, start, end);
      if (verdict !== 'forward') {
        keep(kept, bytes, runStart, start);
        runStart = end;
        if (verdict !== 'hide') {
          this.#isOver = true;
          return verdict === 'end'
            ? { forward: joined(kept), end: bytes.subarray(start, end), fault: null }
            : { forward: joined(kept), end: null, fault: verdict };
        }
      }
      start = end;
    }
    keep(kept, bytes, runStart, start);
    const forward = joined(kept);
    if (!splitter.isOverflowing)
      return forward === null ? NOTHING : { forward, end: null, fault: null };
    this.#isOver = true;
    return { forward, end: null, fault: protocolError('a frame that does not end') };
  }

  #verdict(bytes: Uint8Array, start: number, end: number): Verdict | GateError {
    const repeatedLength = this.#repeated.textLengthIn(bytes, start, end);
    if (repeatedLength !== -1) {
      this.#judge.repeat?.(repeatedLength);
      return 'forward';
    }
    let frame: Frame;
    try {
      frame = parseFrame(utf8.decode(bytes.subarray(start, end)));
    } catch {
      return protocolError('a frame that is not UTF-8');
    }
    if (frame.data === '') return 'forward';
    if (frame.data === '[DONE]' && this.#judge.endsWithDone) return 'end';
    const event = parseData(frame.data);
    if (event === undefined) {
      if (frame.event === 'error') return backendFault(frame.data);
      return protocolError('a frame that is not JSON');
    }
    if (frame.event === 'error' || isErrorValue(event)) {
      return backendFault(fromErrorValue(event).message);
    }
    const type = typeof event['type'] === 'string' ? event['type'] : frame.event;
    const verdict = this.#judge.judge(type, event);
    const repeatable = verdict === 'forward' ? this.#judge.repeatable : null;
    if (repeatable) {
      this.#repeated.remember(bytes.subarray(start, end), repeatable.member, repeatable.text);
    }
    return verdict;
  }
}

function keep(kept: Uint8Array[], bytes: Uint8Array, start: number, end: number): void {
  if (start === end) return;
  kept.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
}

function joined(kept: readonly Uint8Array[]): Uint8Array | null {
  const [first, ...others] = kept;
  if (first === undefined) return null;
  return others.length === 0 ? first : Buffer.concat(kept);
}

function parseData(data: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The fault for an error that the backend sent inside its stream. */
export function backendFault(message: string | null): GateError {
  const text = message === null ? '' : neutralText(message, 500);
  return new GateError(
    'backend_error',
    text === '' ? 'The backend failed in the middle of its answer.' : text,
  );
}

function protocolError(what: string): GateError {
  return new GateError('backend_protocol_error', `The backend sent ${what}.`);
}
