import { type Document, isAlias, isMap, isScalar, isSeq, visit } from 'yaml';

/**
 * Problems are shown with the line they are on, and a common problem is a secret written straight
 * into the file. So everything that looks like one is struck out of the text before any of it is
 * shown: by the keys of the YAML tree and, for text that did not parse, by its look.
 */

const SECRET_NAME = /key|token|secret|passw|credential|auth|cookie/i;
/** Names that only look like secrets. */
const PLAIN_NAME = /_file$|tokens$/i;

type Range = readonly [start: number, end: number];

/**
 * The text with secrets replaced by asterisks, character by character: columns stay true. Without
 * a usable tree `document` is null.
 */
export function maskSecrets(text: string, document: Document | null): string {
  // Without a tree it is unknown where a value ends, so its whole line goes.
  const hasWholeTree = document !== null && document.errors.length === 0;
  const patterns = hasWholeTree ? LOOKALIKES : [...LOOKALIKES, ...NAMED_LINES];
  const ranges = [...lookalikes(text, patterns)];
  if (document !== null) {
    ranges.push(...secretScalars(document), ...webhookPaths(text, document));
  }
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
  const ranges: Range[] = [];
  const seen = new Set<unknown>();
  const collect = (node: unknown): void => {
    if (seen.has(node)) return; // Aliases lead to the same node again and again.
    seen.add(node);
    if (isAlias(node)) return collect(node.resolve(document));
    if (isMap(node)) for (const { value } of node.items) collect(value);
    if (isSeq(node)) for (const item of node.items) collect(item);
    if (!isScalar(node) || !node.range || node.value === null) return;
    // A lone $ is what the parser leaves of a reference that lacks its quotes.
    const isReference = /^\$(\{(env|file):[^}]*\})?$/.test(String(node.value));
    if (!isReference) ranges.push([node.range[0], node.range[1]]);
  };
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? String(key.value) : '';
      const isSecret = SECRET_NAME.test(name) && !PLAIN_NAME.test(name);
      if (isSecret || name === 'headers' || name === 'env') collect(value);
    },
  });
  return ranges;
}

/** What receivers of webhooks are addressed by is often all that they ask for. */
function webhookPaths(text: string, document: Document): Range[] {
  const ranges: Range[] = [];
  const collect = (node: unknown): void => {
    if (isSeq(node)) for (const item of node.items) collect(item);
    if (!isMap(node)) return;
    const url = node.get('url', true);
    if (!isScalar(url) || !url.range) return;
    const [start, end] = url.range;
    const path = /^["']?https?:\/\/[^/?"']*[/?]/i.exec(text.slice(start, end));
    if (path === null) return;
    const last = /["']/.test(text[end - 1] ?? '') ? end - 1 : end;
    ranges.push([start + path[0].length, last]);
  };
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? String(key.value) : '';
      if (name === 'webhook' || name === 'export') collect(value);
    },
  });
  return ranges;
}

/** Each matches a secret alone; what gives it away stands in a lookbehind. */
const LOOKALIKES = [
  /(?<=:\/\/)[^\s/@]*(?=@)/g,
  /\bsk-[\w-]{8,}/g,
  /(?<=\bBearer )(?!\$\{)[^\s"']+/gi,
  // What follows such a flag of a command, in a text or as the next item of a list.
  /(?<=(?<![\w-])--?[\w-]*(?:api-?key|token|secret|password)(?:=|["']?[ \t]*,?[ \t]*(?:\r?\n[ \t]*-[ \t]+)?["']?))(?![-\s"',=])[^\s"',\]]+/gi,
];

const NAMED = '(?:key|token|secret|password|authorization|cookie)["\']?[ \\t]*[:=][ \\t]*';
const NAMED_LINES = [
  new RegExp(`(?<=${NAMED})(?!["']?\\$\\{)[^\\s"'{[][^\\r\\n]*`, 'gi'),
  new RegExp(`(?<=${NAMED}["'])(?!\\$\\{)[^\\r\\n]*`, 'gi'),
  /(?<=\burl["']?[ \t]*:[ \t]*["']?https?:\/\/[^/?\s"']*[/?])[^\s"',]+/gi,
];

function* lookalikes(text: string, patterns: readonly RegExp[]): Generator<Range> {
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) yield [match.index, match.index + match[0].length];
  }
}
