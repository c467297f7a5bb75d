import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, visit } from 'yaml';

/**
 * Problems are shown with the line they are on, and a common problem is a secret written straight
 * into the file. So everything that looks like one is struck out of the text before any of it is
 * shown: by the keys of the YAML tree and, for text that did not parse, by its look.
 */

const SECRET_NAME = /key|token|secret|passw|credential|auth|cookie/i;
/** Names that only look like secrets. */
const PLAIN_NAME = /_file$|tokens$/i;

type Range = readonly [start: number, end: number];

/** The text with secrets replaced by asterisks, character by character: columns stay true. */
export function maskSecrets(text: string, document: Document): string {
  // Without a tree it is unknown where a value ends, so its whole line goes.
  const patterns = document.errors.length > 0 ? [...LOOKALIKES, ...NAMED_LINES] : LOOKALIKES;
  const ranges = [...lookalikes(text, patterns), ...secretScalars(document)];
  ranges.sort(([a], [b]) => a - b);
  let masked = '';
  let done = 0;
  for (const [start, end] of ranges) {
    if (end <= done) continue;
    const from = Math.max(start, done);
    masked += text.slice(done, from) + text.slice(from, end).replaceAll(/[^\r\n]/g, '*');
    done = end;
  }
  return masked + text.slice(done);
}

function secretScalars(document: Document): Range[] {
  const found: Range[] = [];
  try {
    visit(document, {
      Pair(_, pair) {
        const name = nameOf(pair);
        const isSecret = SECRET_NAME.test(name) && !PLAIN_NAME.test(name);
        if (isSecret || name === 'headers') collectScalars(pair.value, document, found);
      },
    });
  } catch {
    // Nested past the stack. That is a problem without source lines from down there.
  }
  return found;
}

function nameOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function collectScalars(node: unknown, document: Document, found: Range[]): void {
  if (isAlias(node)) {
    // What an anchor holds cannot hold an alias to itself, so this ends.
    collectScalars(node.resolve(document), document, found);
  } else if (isScalar(node)) {
    const isReference = /^\$\{(env|file):[^}]*\}$/.test(String(node.value));
    if (node.range && node.value !== null && !isReference) {
      found.push([node.range[0], node.range[1]]);
    }
  } else if (isMap(node)) {
    for (const { value } of node.items) collectScalars(value, document, found);
  } else if (isSeq(node)) {
    for (const item of node.items) collectScalars(item, document, found);
  }
}

/** Each matches a secret alone; what gives it away stands in a lookbehind. */
const LOOKALIKES = [
  /(?<=:\/\/)[^\s/@]*(?=@)/g,
  /\bsk-[\w-]{8,}/g,
  /(?<=\bBearer )(?!\$\{)[^\s"']+/gi,
];

const NAMED = '(?:key|token|secret|password|authorization|cookie)["\']?[ \\t]*[:=][ \\t]*';
const NAMED_LINES = [
  new RegExp(`(?<=${NAMED})(?!["']?\\$\\{)[^\\s"'{[][^\\r\\n]*`, 'gi'),
  new RegExp(`(?<=${NAMED}["'])(?!\\$\\{)[^\\r\\n]*`, 'gi'),
];

function* lookalikes(text: string, patterns: readonly RegExp[]): Generator<Range> {
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) yield [match.index, match.index + match[0].length];
  }
}
