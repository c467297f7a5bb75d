import { type Command, Option } from 'commander';
import { type ColorWhen, type Ink, inColor, shouldColor } from './color.ts';
import { flatten, renderCsv } from './csv.ts';
import type { CliIo } from './io.ts';
import { renderTable, type Table, type TableLayout } from './table.ts';
import { escapeHidden, hasHidden } from './visible-text.ts';

const FORMATS = ['table', 'json', 'csv', 'yaml'] as const;

export interface OutputOptions {
  readonly output: (typeof FORMATS)[number];
  readonly color: ColorWhen;
}

/** Adds `-o`, `--json` and `--color`, which every command that prints data has. */
export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-o, --output <format>', 'form of the data').choices(FORMATS).default('table'),
    )
    .addOption(new Option('--json', 'short for -o json').implies({ output: 'json' }))
    .addOption(
      new Option('--color <when>', 'colour in tables')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    );
}

/** The same facts for people and for programs. */
export interface Report {
  /** The one JSON (or YAML) document: snake_case, ISO 8601, money as decimal strings. */
  readonly document: unknown;
  /** What CSV has a line for. Nested fields become `outer.inner` columns. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Columns of CSV when there is no row to take them from. */
  readonly columns?: readonly string[];
  readonly human: Table | string;
  /** Said on stderr instead of an empty table, with what to do about it. */
  readonly emptyHint?: string;
  /** Colour of a cell by its text, in `human` tables. */
  readonly ink?: (cell: string) => Ink | null;
}

/** Prints a report to stdout in the form that was asked for. */
export async function printReport(
  io: CliIo,
  options: OutputOptions,
  report: Report,
): Promise<void> {
  switch (options.output) {
    case 'json':
      return io.out(escapeHidden(`${JSON.stringify(report.document, null, 2)}\n`, 'json'));
    case 'yaml':
      return io.out(await renderYaml(report.document));
    case 'csv':
      return io.out(toCsv(report));
    case 'table':
      return printHuman(io, options, report);
  }
}

function printHuman(io: CliIo, options: OutputOptions, report: Report): void {
  const { human, emptyHint, ink } = report;
  if (typeof human === 'string') {
    io.out(human);
  } else if (human.rows.length === 0 && emptyHint !== undefined) {
    io.err(`${emptyHint}\n`);
  } else {
    const width = io.stdoutIsTty ? io.columns : null;
    io.out(renderTable(human, { width, paint: choosePaint(shouldColor(options.color, io), ink) }));
  }
}

function choosePaint(colored: boolean, ink: Report['ink']): TableLayout['paint'] {
  if (!colored) return (cell) => cell;
  return (cell, _, row) => {
    const color = row === 'body' ? ink?.(cell.trim()) : 'bold';
    return color === null || color === undefined ? cell : inColor(cell, color);
  };
}

function toCsv({ rows, columns }: Report): string {
  const flat = rows.map((row) => flatten(row));
  // A union: rows of one report may differ in their tags.
  const names = new Set([...(columns ?? []), ...flat.flatMap((row) => Object.keys(row))]);
  return renderCsv([...names], flat);
}

/** Loaded when asked for: no other command pays for the YAML library. */
async function renderYaml(document: unknown): Promise<string> {
  const { Document, visit } = await import('yaml');
  const tree = new Document(document, { aliasDuplicateObjects: false });
  visit(tree, {
    Scalar(_, scalar) {
      const { value } = scalar;
      if (typeof value !== 'string' || !hasHidden(value)) return;
      // Only a double-quoted scalar can hold the escapes that are put in below, and none of them
      // can be half a surrogate.
      scalar.value = value.toWellFormed();
      scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return escapeHidden(tree.toString({ lineWidth: 0 }), 'yaml');
}
