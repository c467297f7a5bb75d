/** One mistake in a configuration file, with its place. */
export interface Problem {
  /** From 1; 0 when the whole file is meant, as when it cannot be read. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count; 0 when the whole file is meant. */
  readonly column: number;
  /** `models["llama-3.3"].targets[0]`, or empty for the whole file. */
  readonly path: string;
  /** What is wrong and what to do. Never contains a secret. */
  readonly message: string;
  /** A likely cure, such as `did you mean "type"?`. */
  readonly hint?: string;
}

/**
 * A configuration that cannot be used. Carries every problem that one look could find. The text of
 * the file is not kept, because it may contain a secret that was written where none belongs.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly Problem[];

  /** `source` must have its secrets masked, see `ConfigSource.maskedText`. */
  constructor(file: string, source: string, problems: readonly Problem[]) {
    super(renderProblems(file, source, problems));
    this.file = file;
    this.problems = problems;
  }
}

const MOST_RENDERED = 100;
const WIDEST_LINE = 100;

/**
 * For people: `file:line:column: path: what is wrong`, the line of the source and a caret. Control
 * characters of the source become `?`, so that a file cannot steer the terminal.
 */
export function renderProblems(
  file: string,
  source: string,
  problems: readonly Problem[],
  kind: 'problem' | 'warning' = 'problem',
): string {
  const mark = kind === 'warning' ? 'warning: ' : '';
  const lines = source.split('\n');
  const rendered = problems.slice(0, MOST_RENDERED).map((problem) => {
    const where = problem.line === 0 ? file : `${file}:${problem.line}:${problem.column}`;
    const path = problem.path === '' ? '' : `${problem.path}: `;
    const hint = problem.hint === undefined ? '' : `; ${problem.hint}`;
    const head = printable(`${where}: ${mark}${path}${problem.message}${hint}`);
    const line = lines[problem.line - 1];
    return line === undefined || line.trim() === '' ? head : `${head}\n${excerpt(line, problem)}`;
  });
  const unseen = problems.length - rendered.length;
  if (unseen > 0) rendered.push(`${file}: and ${unseen} more ${kind}s`);
  return rendered.join('\n');
}

/** The source line and a caret under the column, cut to a window when the line is long. */
function excerpt(line: string, { line: number, column }: Problem): string {
  const start = column > WIDEST_LINE - 20 ? column - WIDEST_LINE / 2 : 0;
  const shown = printable(line.slice(start, start + WIDEST_LINE));
  const before = printable(line.slice(start, column - 1));
  const gutter = `  ${number} | `;
  const caret = `${' '.repeat(gutter.length - 2)}| ${' '.repeat(Bun.stringWidth(before))}^`;
  return `${gutter}${shown}\n${caret}`;
}

/** C0, C1, line separators, and the characters that reorder or hide text. */
const UNPRINTABLE =
  /[\p{Cc}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

function printable(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(UNPRINTABLE, '?');
}
