/** ECMA-48 control sequences, and the one-letter escapes of terminals. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is made of them.
const SEQUENCE = /^\x1b(?:\[([?>=]?)([0-9;]*)([ -/]*)([@-~])|[78=>cM])/;

const ALTERNATE_SCREEN = 1049;
const CURSOR = 25;
const WRAP = 7;

interface Page {
  lines: string[][];
  row: number;
  column: number;
}

/**
 * As much of a terminal as `top` uses: two screens, a cursor, erasing. Anything else is a fault of
 * what is being tested, and is thrown.
 */
export class ScreenEmulator {
  columns: number;
  rows: number;
  /** What was switched on and not off again, by number (`1049`: the alternate screen). */
  readonly modes = new Set<number>([CURSOR, WRAP]);
  #main: Page = { lines: [], row: 0, column: 0 };
  #alternate: Page = { lines: [], row: 0, column: 0 };
  #rest = '';

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  get isAlternate(): boolean {
    return this.modes.has(ALTERNATE_SCREEN);
  }

  /** Nothing that a shell would notice is left behind. */
  get isAsBefore(): boolean {
    return [...this.modes].toSorted().join() === [CURSOR, WRAP].toSorted().join();
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    let rest = this.#rest + text;
    this.#rest = '';
    while (rest !== '') {
      if (rest.startsWith('\x1b')) {
        const match = SEQUENCE.exec(rest);
        if (match === null) {
          if (rest.length > 64) throw new Error(`no terminal knows ${JSON.stringify(rest)}`);
          // The other half comes with the next read.
          this.#rest = rest;
          return;
        }
        this.#control(match);
        rest = rest.slice(match[0].length);
        continue;
      }
      const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      this.#put(character);
      rest = rest.slice(character.length);
    }
  }

  lines(): string[] {
    const { lines } = this.#page;
    return Array.from({ length: this.rows }, (_, at) =>
      Array.from(lines[at] ?? [], (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    );
  }

  text(): string {
    return this.lines().join('\n');
  }

  get #page(): Page {
    return this.isAlternate ? this.#alternate : this.#main;
  }

  #put(character: string): void {
    const page = this.#page;
    if (character === '\r') page.column = 0;
    else if (character === '\n') page.row = Math.min(page.row + 1, this.rows - 1);
    else if (character < ' ') throw new Error(`a control character: ${JSON.stringify(character)}`);
    else {
      // Without wrapping, what does not fit is written over the last cell; here it is lost.
      if (page.column >= this.columns) return;
      page.lines[page.row] ??= [];
      const line = page.lines[page.row] ?? [];
      line[page.column] = character;
      const width = Bun.stringWidth(character);
      for (let more = 1; more < width; more += 1) line[page.column + more] = '';
      page.column += width;
    }
  }

  #control([whole = '', prefix = '', parameters = '', between = '', final = '']: RegExpExecArray) {
    const page = this.#page;
    const numbers = parameters.split(';').map(Number);
    const [first = 0, second = 0] = numbers;
    if (prefix === '?' && (final === 'h' || final === 'l')) {
      for (const mode of numbers) this.#setMode(mode, final === 'h');
    } else if (prefix === '' && between === '' && final === 'H') {
      page.row = Math.max(0, first - 1);
      page.column = Math.max(0, second - 1);
    } else if (final === 'K' && first === 0) {
      page.lines[page.row] = (page.lines[page.row] ?? []).slice(0, page.column);
    } else if (final === 'J' && first === 0) {
      page.lines[page.row] = (page.lines[page.row] ?? []).slice(0, page.column);
      page.lines.length = Math.min(page.lines.length, page.row + 1);
    } else if (final === 'J' && first === 2) {
      page.lines = [];
    } else if (final !== 'm') {
      throw new Error(`not known: ${JSON.stringify(whole)}`);
    }
  }

  #setMode(mode: number, isOn: boolean): void {
    if (isOn) this.modes.add(mode);
    else this.modes.delete(mode);
    if (mode === ALTERNATE_SCREEN && isOn) this.#alternate = { lines: [], row: 0, column: 0 };
  }
}
