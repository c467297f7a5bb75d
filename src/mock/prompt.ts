/** What the mock understands of a prompt: how long it is, which one it is, what was said last. */
export interface Prompt {
  /** Words separated by white space: the mock's rule for counting tokens. */
  readonly tokens: number;
  /** Equal texts have equal hashes, whatever else the request says. */
  readonly hash: number;
  readonly lastText: string;
}

interface Reader {
  tokens: number;
  hash: number;
  lastText: string;
  readonly onText: (text: string) => void;
}

/** Reads every text inside `values`: strings, lists, and the `text`, `content`, `input` of objects. */
export function readPrompt(
  values: readonly unknown[],
  seed: number,
  onText: (text: string) => void = () => {},
): Prompt {
  const reader: Reader = { tokens: 0, hash: seed, lastText: '', onText };
  for (const value of values) readTexts(value, reader, 0);
  return reader;
}

function readTexts(value: unknown, reader: Reader, depth: number): void {
  if (typeof value === 'string') {
    reader.tokens += countWords(value);
    reader.hash = Bun.hash.xxHash32(value, reader.hash);
    reader.lastText = value;
    reader.onText(value);
    return;
  }
  if (typeof value !== 'object' || value === null || depth > 8) return;
  if (Array.isArray(value)) {
    // A list of numbers is a prompt that is tokens already.
    if (typeof value[0] === 'number') {
      reader.tokens += value.length;
      reader.hash = Bun.hash.xxHash32(value.join(), reader.hash);
      return;
    }
    for (const item of value) readTexts(item, reader, depth + 1);
    return;
  }
  const { text, content, input, output } = value as Record<string, unknown>;
  for (const part of [text, content, input, output]) readTexts(part, reader, depth + 1);
}

/** The mock's tokens of a text: runs of characters above the space. */
export function countWords(text: string): number {
  let words = 0;
  let isInWord = false;
  for (let i = 0; i < text.length; i++) {
    const isBlank = text.charCodeAt(i) <= 32;
    if (!isBlank && !isInWord) words++;
    isInWord = !isBlank;
  }
  return words;
}

/** Text in pieces of one word each, white space kept in front, that join to the same text. */
export function splitWords(text: string): string[] {
  return text.match(/[\0- ]*[^\0- ]+(?:[\0- ]+$)?/g) ?? [];
}
