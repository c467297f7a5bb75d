import { toVisibleText } from './visible-text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Never cut, because half of it is of no use: an id, a date. Right-aligned ones are not either. */
  readonly whole?: true;
  /** Left out when no row has anything in it. */
  readonly optional?: true;
}

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** One more row, set apart by a rule. */
  readonly total?: readonly string[];
}

export interface TableLayout {
  /** Cells that a line may take; null never shortens, as for a file or a pipe. */
  readonly width: number | null;
  /** Wraps a finished, padded cell in colour. Must not change its width. */
  readonly paint: (cell: string, column: number, row: 'title' | 'body' | 'total') => string;
}

export const NOTHING = '-';
const GAP = '  ';
/** A column is not made narrower than this: fewer cells tell nothing. */
const NARROWEST = 8;

/** Lines of a table, each ended by a newline. All cells are neutral; none is wrapped. */
export function renderTable(table: Table, layout: TableLayout): string {
  const shown = table.columns
    .map((column, index) => ({ column, index }))
    .filter(
      ({ column, index }) =>
        column.optional !== true || table.rows.some((row) => (row[index] ?? NOTHING) !== NOTHING),
    );
  const pickCells = (row: readonly string[]) =>
    shown.map(({ index }) => toVisibleText(row[index] ?? ''));
  const title = shown.map(({ column }) => column.title);
  const rows = table.rows.map(pickCells);
  const total = table.total === undefined ? [] : [pickCells(table.total)];
  const widths = fitWidths(
    title.map((_, at) => widest([title, ...rows, ...total].map((row) => row[at] ?? ''))),
    shown.map(({ column }) => column.align !== 'right' && column.whole !== true),
    layout.width,
  );

  const line = (cells: readonly string[], kind: 'title' | 'body' | 'total') =>
    `${cells
      .map((cell, at) => {
        const isLast = at === cells.length - 1;
        const padded = pad(cell, widths[at] ?? 0, shown[at]?.column.align === 'right', isLast);
        return layout.paint(padded, shown[at]?.index ?? at, kind);
      })
      .join(GAP)}\n`;
  const rule = `${widths.map((width) => '-'.repeat(width)).join(GAP)}\n`;
  return [
    line(title, 'title'),
    ...rows.map((row) => line(row, 'body')),
    ...total.map((row) => rule + line(row, 'total')),
  ].join('');
}

/** Pairs of a name and a value, one a line, for a single thing. */
export function renderFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const width = widest(fields.map(([name]) => name));
  return fields
    .map(([name, value]) => `${name.padEnd(width)}${GAP}${toVisibleText(value)}\n`)
    .join('');
}

function widest(cells: readonly string[]): number {
  return cells.reduce((width, cell) => Math.max(width, Bun.stringWidth(cell)), 0);
}

/** Takes cells from the widest column that may shrink until the line fits or none is left. */
function fitWidths(
  widths: readonly number[],
  mayShrink: readonly boolean[],
  lineWidth: number | null,
): readonly number[] {
  if (lineWidth === null) return widths;
  const fitted = [...widths];
  let over = fitted.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - lineWidth;
  while (over > 0) {
    const candidates = fitted.map((width, at) => (mayShrink[at] === true ? width : 0));
    const most = Math.max(...candidates);
    if (most <= NARROWEST) break;
    // Down to the next widest in one step: a cell may be 100,000 wide.
    const next = Math.max(NARROWEST, ...candidates.filter((width) => width < most));
    const step = Math.max(1, Math.min(over, most - next));
    fitted[candidates.indexOf(most)] = most - step;
    over -= step;
  }
  return fitted;
}

function pad(cell: string, width: number, right: boolean, isLast: boolean): string {
  const text = shorten(cell, width);
  const room = ' '.repeat(Math.max(0, width - Bun.stringWidth(text)));
  if (right) return room + text;
  return isLast ? text : text + room;
}

/** At most `width` cells, whole grapheme clusters, `…` where something is missing. */
function shorten(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += Bun.stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
