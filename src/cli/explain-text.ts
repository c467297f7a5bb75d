import { toVisibleText } from './visible-text.ts';

/** A part of an explanation: a title and lines under it. */
export interface Section {
  readonly title: string;
  /** Neutral text, laid out. */
  readonly lines: readonly string[];
}

/** Sections with a blank line between; those without lines are left out. */
export function renderSections(sections: readonly Section[]): string {
  return sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }) => `${title}\n${lines.map((line) => `${line}\n`).join('')}`)
    .join('\n');
}

const INDENT = '  ';

/** Pairs under each other; a value that is too long goes on below its beginning. */
export function layOutPairs(
  pairs: readonly (readonly [name: string, value: string])[],
  width: number | null,
): string[] {
  const names = pairs.map(([name]) => toVisibleText(name));
  const column = Math.max(0, ...names.map((name) => Bun.stringWidth(name))) + 2;
  return pairs.flatMap(([, value], at) => {
    const name = names[at] ?? '';
    const head = INDENT + name + ' '.repeat(column - Bun.stringWidth(name));
    return wrapped(head, toVisibleText(value), width);
  });
}

/** `head` before the first line of a text, blanks before the others. */
export function wrapped(head: string, text: string, width: number | null): string[] {
  const indent = Bun.stringWidth(head);
  const room = width === null ? Number.POSITIVE_INFINITY : Math.max(20, width - indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && Bun.stringWidth(longer) > room) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines.map((each, at) => ((at === 0 ? head : ' '.repeat(indent)) + each).trimEnd());
}

export interface Bar {
  readonly name: string;
  /** Milliseconds. */
  readonly start: number;
  readonly end: number;
  /** When something came that is worth a mark. */
  readonly mark: number | null;
}

const NAME_MAX = 16;
const BAR_CELLS = 40;

/** Stretches of time under each other, the whole width being `totalMs`. */
export function renderWaterfall(bars: readonly Bar[], totalMs: number): string[] {
  const names = bars.map(({ name }) => shorten(toVisibleText(name)));
  const column = Math.max(0, ...names.map((name) => Bun.stringWidth(name)));
  const cellOf = (ms: number) =>
    totalMs <= 0 ? 0 : Math.min(BAR_CELLS, Math.max(0, (ms / totalMs) * BAR_CELLS));
  return bars.map(({ start, end, mark }, at) => {
    const name = names[at] ?? '';
    const from = Math.min(BAR_CELLS - 1, Math.floor(cellOf(start)));
    const to = Math.max(from + 1, Math.ceil(cellOf(end)));
    const cells: string[] = Array.from({ length: BAR_CELLS }, (_, cell) =>
      cell >= from && cell < to ? '=' : ' ',
    );
    if (mark !== null) cells[Math.min(BAR_CELLS - 1, Math.floor(cellOf(mark)))] = '*';
    const padded = name + ' '.repeat(column - Bun.stringWidth(name));
    return `${INDENT}${padded} |${cells.join('')}| ${renderMs(Math.max(0, end - start))}`;
  });
}

function shorten(name: string): string {
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX - 1)}…`;
}

export function renderMs(ms: number): string {
  const tenths = (value: number) => Math.round(value * 10) / 10;
  if (ms >= 60_000) return `${tenths(ms / 60_000)} min`;
  return ms >= 10_000 ? `${tenths(ms / 1_000)} s` : `${tenths(ms)} ms`;
}

/** `2 tokens`, `1 token`. */
export function countOf(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`;
}
