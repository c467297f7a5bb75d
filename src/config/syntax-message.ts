import { type Document, isCollection, isScalar, visit, type YAMLError } from 'yaml';

/**
 * A syntax error in our own words, at the place to repair. The library's messages quote the text
 * they stumble over, which may be a secret.
 */
export function explainSyntax(
  { code, pos }: YAMLError,
  text: string,
  document: Document,
): { readonly offset: number; readonly message: string } {
  const offset = pos[0];
  if (isBareReference(text, offset)) {
    return { offset, message: 'inside { } or [ ] a reference needs quotes: "${env:NAME}"' };
  }
  const opener = UNCLOSED_CODES.has(code) ? findUnclosed(text, document, offset) : undefined;
  if (opener !== undefined) {
    return { offset: opener, message: `this ${text[opener]} is never closed` };
  }
  return { offset, message: MESSAGES[code] ?? 'not valid YAML' };
}

/** What the parser says where it noticed, which may be many lines after the bracket. */
const UNCLOSED_CODES: ReadonlySet<string> = new Set(['BAD_INDENT', 'MISSING_CHAR']);

/** The innermost quote or bracket that is open at an offset and does not end in its partner. */
function findUnclosed(text: string, document: Document, offset: number): number | undefined {
  let found: number | undefined;
  const consider = (range: readonly number[] | null | undefined) => {
    const [start, end] = range ?? [];
    if (start === undefined || end === undefined || start >= offset || end < offset) return;
    const partner = PARTNERS.get(text[start] ?? '');
    if (partner === undefined || (end - start > 1 && text[end - 1] === partner)) return;
    if (found === undefined || start > found) found = start;
  };
  visit(document, {
    Node(_, node) {
      if (isScalar(node) || isCollection(node)) consider(node.range);
    },
  });
  return found;
}

const PARTNERS: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ['{', '}'],
  ['[', ']'],
]);

/** True when the error is inside an unquoted `${…}`, whose braces YAML takes for its own. */
function isBareReference(text: string, offset: number): boolean {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  return /[{[,].*[\s:]\$\{?$/.test(text.slice(lineStart, offset + 1));
}

const MESSAGES: Partial<Record<YAMLError['code'], string>> = {
  ALIAS_PROPS: 'an alias cannot have an anchor or a tag of its own',
  BAD_ALIAS: 'an alias or anchor has an impossible name; quote text that begins with * or &',
  BAD_COLLECTION_TYPE: 'a tag does not fit the value; remove the tag',
  BAD_DIRECTIVE: 'text that begins with % must be quoted',
  BAD_DQ_ESCAPE: 'there is no such \\ escape in double quotes; use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_PROP_ORDER: 'a tag or anchor stands in the wrong place',
  BAD_SCALAR_START: 'text that begins with @ or ` must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on one line; quote the text, or start a new line',
  BLOCK_IN_FLOW: 'inside { } or [ ] every value stays in { } or [ ] form',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'something is missing here: a closing quote, a comma, a colon or a blank',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is a ":" missing?',
  MULTIPLE_ANCHORS: 'one value cannot have two anchors',
  MULTIPLE_DOCS: 'a second document begins here; one file is one configuration',
  MULTIPLE_TAGS: 'one value cannot have two tags',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab indents this line; use blanks',
  TAG_RESOLVE_FAILED: 'tags such as !name are not used here; remove it',
  UNEXPECTED_TOKEN: 'YAML expects something else here; check quotes, brackets and colons',
};
