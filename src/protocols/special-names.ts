/**
 * Member names that mean something to the scanner, wherever they are.
 *
 * `routing` names would let a request choose the backend, its credentials or where results are
 * sent when the backend is itself a gateway; they are refused in the envelope of a request at any
 * depth. `content` names hold what a user wrote (prompts, tool schemas, arguments, metadata):
 * there a property called `api_key` is ordinary, so nothing below them is refused.
 */
export const SPECIAL = {
  none: 0,
  content: 1,
  routing: 2,
  proto: 3,
  constructor: 4,
  prototype: 5,
} as const;

/** Fields that would choose the backend. */
export const ROUTING_NAMES: ReadonlySet<string> = new Set([
  'api_base',
  'base_url',
  'user_config',
  'callback_url',
  'api_key',
]);

const NAMES: readonly (readonly [number, readonly string[]])[] = [
  [SPECIAL.routing, [...ROUTING_NAMES]],
  [SPECIAL.proto, ['__proto__']],
  [SPECIAL.constructor, ['constructor']],
  [SPECIAL.prototype, ['prototype']],
  [
    SPECIAL.content,
    [
      ...['content', 'input', 'prompt', 'system', 'instructions', 'query', 'queries', 'documents'],
      ...['text', 'texts', 'tools', 'functions', 'arguments', 'parameters', 'input_schema'],
      ...['response_format', 'json_schema', 'schema', 'properties', 'guided_json', 'json'],
      ...['format', 'structured_outputs', 'output_config', 'metadata', 'variables', 'prediction'],
    ],
  ],
];

interface Entry {
  /** Folded as `fold` does. */
  readonly bytes: Uint8Array;
  readonly special: number;
}

const BY_NAME = new Map<string, number>();
const BY_LENGTH: (Entry[] | undefined)[] = [];

for (const [special, names] of NAMES) {
  for (const name of names) {
    BY_NAME.set(name, special);
    const bytes = Uint8Array.from(name, (letter) => fold(letter.charCodeAt(0)));
    const entries = BY_LENGTH[name.length];
    if (entries === undefined) BY_LENGTH[name.length] = [{ bytes, special }];
    else entries.push({ bytes, special });
  }
}

/** A name fully written as `\u0061` escapes is six times as long; longer keys cannot match. */
const LONGEST = 6 * (BY_LENGTH.length - 1);
const latin1 = new TextDecoder('latin1');

/** Which special name the key at these bytes is, without making a string of ordinary keys. */
export function findSpecialName(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > LONGEST) return SPECIAL.none;
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0x5c) {
      const name = specialNameOf(latin1.decode(bytes.subarray(start, end)));
      return name === undefined ? SPECIAL.none : (BY_NAME.get(name.toLowerCase()) ?? SPECIAL.none);
    }
  }
  const entries = BY_LENGTH[length];
  if (entries === undefined) return SPECIAL.none;
  for (const entry of entries) {
    if (isAt(bytes, start, entry.bytes)) return entry.special;
  }
  return SPECIAL.none;
}

/** The name that an escaped key stands for; undefined when the escapes are not JSON. */
export function specialNameOf(raw: string): string | undefined {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return undefined;
  }
}

function isAt(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) {
    if (fold(bytes[start + i] ?? 0) !== name[i]) return false;
  }
  return true;
}

/** Lower case for letters; the same for both sides of a comparison, which is all that matters. */
function fold(byte: number): number {
  return byte | 0x20;
}
