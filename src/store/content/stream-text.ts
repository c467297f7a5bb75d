import { FrameSplitter, parseFrame } from '../../protocols/sse.ts';

/** Members of a delta that hold a piece of something longer. */
const PIECES = new Set([
  'arguments',
  'content',
  'delta',
  'input',
  'partial_json',
  'reasoning',
  'reasoning_content',
  'refusal',
  'summary',
  'text',
  'thinking',
  'transcript',
]);

/** Members that say which of several texts a frame goes on with. */
const PLACES = ['output_index', 'content_index', 'summary_index', 'index'] as const;

/** Frames of one stream have a few dozen paths; whoever sends more gets no more of them kept. */
const PATHS_MAX = 10_000;
const DEPTH_MAX = 16;

/** Whether a body is an event stream, by the first field of its first event. */
export function isEventStream(text: string): boolean {
  return /^(?:data|event|id|retry)?:/.test(text);
}

/** What an event stream told. */
export interface StreamText {
  readonly frames: number;
  /** Not JSON: their text is not kept, because it cannot be put together. */
  readonly unreadable: number;
  /** By the path at which its pieces stand in the frames. */
  readonly texts: ReadonlyMap<string, string>;
  /** Of everything that is no piece of a text, the last one by its path. */
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * Puts every text of an event stream together from its deltas, so that a word that was sent in two
 * is a word again. Knows no protocol, only how those of OpenAI and Anthropic name their members.
 */
export function toStreamText(bytes: Uint8Array): StreamText {
  const splitter = new FrameSplitter(Number.POSITIVE_INFINITY);
  splitter.push(bytes);
  const told = new Told();
  let start = 0;
  for (const end of splitter.ends) {
    const { event, data } = parseFrame(decoder.decode(splitter.bytes.subarray(start, end)));
    start = end;
    if (data !== '' && data !== '[DONE]') told.addFrame(event, data);
  }
  return told;
}

const decoder = new TextDecoder();

class Told implements StreamText {
  frames = 0;
  unreadable = 0;
  readonly texts = new Map<string, string>();
  readonly values = new Map<string, unknown>();

  addFrame(event: string, data: string): void {
    let frame: unknown;
    try {
      frame = JSON.parse(data);
    } catch {
      this.unreadable += 1;
      return;
    }
    this.frames += 1;
    this.#walk(frame, placeOf(event, frame), { depth: 0, inDelta: false, name: '' });
  }

  #walk(value: unknown, path: string, at: Place): void {
    if (typeof value !== 'object' || value === null) return this.#addLeaf(value, path, at);
    if (at.depth >= DEPTH_MAX) return;
    const inList = Array.isArray(value);
    for (const [name, inner] of Object.entries(value)) {
      const next = inList ? indexOf(inner, name) : name;
      const isDelta = at.inDelta || next === 'delta' || (inList && at.name === 'choices');
      const place = { depth: at.depth + 1, inDelta: isDelta, name: inList ? at.name : name };
      this.#walk(inner, path === '' ? next : `${path}.${next}`, place);
    }
  }

  #addLeaf(value: unknown, path: string, { inDelta, name }: Place): void {
    const isPiece = typeof value === 'string' && inDelta && PIECES.has(name);
    const known = isPiece ? this.texts : this.values;
    if (!known.has(path) && known.size >= PATHS_MAX) return;
    if (isPiece) this.texts.set(path, (this.texts.get(path) ?? '') + value);
    else this.values.set(path, value);
  }
}

interface Place {
  readonly depth: number;
  /** Inside a `delta`, or a choice of a completion, which is one by another name. */
  readonly inDelta: boolean;
  /** Of the member; inside a list, that of the list. */
  readonly name: string;
}

/** Frames of some protocols are told apart by a type and indexes beside the delta. */
function placeOf(event: string, frame: unknown): string {
  if (typeof frame !== 'object' || frame === null) return event;
  const members: Readonly<Record<string, unknown>> = { ...frame };
  const type = members['type'] ?? event;
  const places = [type, ...PLACES.map((name) => members[name])];
  return places.filter((place) => typeof place === 'string' || typeof place === 'number').join('.');
}

/** Choices and tool calls carry an index of their own; one frame may hold only the second. */
function indexOf(item: unknown, position: string): string {
  if (typeof item !== 'object' || item === null || !('index' in item)) return position;
  return typeof item.index === 'number' ? String(item.index) : position;
}
