import { renderCell, widthOf } from './cell-text.ts';
import type { Paint, Tone } from './paint.ts';
import type { TableState } from './state.ts';

export interface Column<Row> {
  readonly title: string;
  /** Cells; `fill` takes what the others leave, shared when there are several. */
  readonly width: number | 'fill';
  readonly align?: 'right';
  /** Left out on a screen that is narrower than this. */
  readonly from?: number;
  readonly text: (row: Row) => string;
  /** What it is sorted by; left out, its text. Null comes last either way round. */
  readonly value?: (row: Row) => number | string | null;
  readonly tone?: (row: Row) => Tone;
}

/** One name and what is said of it. An empty name goes on with the one before. */
export type Field = readonly [name: string, value: string];

/** What a table shows, without how it is looked at. */
export interface TableSpec<Source, Row> {
  /** Said instead of rows when there are none. */
  empty(source: Source): string;
  readonly columns: readonly Column<Row>[];
  rows(source: Source): readonly Row[];
  id(row: Row): string;
  /** Everything of a row that a filter looks at. */
  search(row: Row): string;
  detail(row: Row, source: Source): readonly Field[];
}

const GAP = 1;
const MARK_WIDTH = 2;
/** A name of fewer cells tells nothing. */
const FILL_MIN = 8;

/** The rows that a table shows, in its order. */
export function arrangeRows<Source, Row>(
  spec: TableSpec<Source, Row>,
  source: Source,
  { filter, sort, isReversed }: TableState,
): readonly Row[] {
  const all = spec.rows(source);
  const wanted = filter.toLowerCase();
  const rows =
    wanted === '' ? all : all.filter((row) => spec.search(row).toLowerCase().includes(wanted));
  const column = spec.columns.find(({ title }) => title.toLowerCase() === sort);
  if (column === undefined) return isReversed ? rows.toReversed() : rows;
  const measure = column.value ?? column.text;
  const keyed = rows.map((row) => ({ row, value: measure(row) }));
  // Numbers are asked for to see the largest, names to find one.
  keyed.sort((a, b) => compareValues(a.value, b.value, isReversed));
  return keyed.map(({ row }) => row);
}

type Value = number | string | null;

function compareValues(a: Value, b: Value, isReversed: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const direction = isReversed ? -1 : 1;
  if (typeof a === 'number' && typeof b === 'number') return (b - a) * direction;
  return (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0) * direction;
}

/** Where the cursor is among so many rows: on the pinned one, or else at its place. */
export function findCursor(ids: readonly string[], { pinned, cursor }: TableState): number {
  const found = pinned === null ? -1 : ids.indexOf(pinned);
  return found >= 0 ? found : Math.max(0, Math.min(cursor, ids.length - 1));
}

/** The first row to show so that the cursor is in sight and no line is wasted. */
export function findOffset(cursor: number, offset: number, count: number, height: number): number {
  const last = Math.max(0, count - height);
  const low = Math.max(0, cursor - height + 1);
  return Math.min(Math.max(Math.min(offset, cursor), low), last);
}

export interface TableLayout {
  /** Said instead of rows when there are none. */
  readonly empty: string;
  readonly width: number;
  readonly height: number;
  readonly paint: Paint;
}

/** A line of titles and as many rows as there is room for; exactly `height` lines. */
export function renderTable<Source, Row>(
  spec: TableSpec<Source, Row>,
  rows: readonly Row[],
  table: TableState,
  { width, height, paint, empty }: TableLayout,
): string[] {
  const columns = fitColumns(spec.columns, width);
  const lines = [paint(renderTitles(columns, table), 'bold')];
  if (rows.length === 0) lines.push(`  ${paint(empty, 'dim')}`);
  const ids = rows.map((row) => spec.id(row));
  const cursor = findCursor(ids, table);
  const room = height - lines.length;
  const offset = findOffset(cursor, table.offset, rows.length, room);
  for (const [at, row] of rows.slice(offset, offset + Math.max(0, room)).entries()) {
    lines.push(renderRow(columns, row, offset + at === cursor, paint));
  }
  while (lines.length < height) lines.push('');
  return lines.slice(0, height);
}

interface Fitted<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

function fitColumns<Row>(columns: readonly Column<Row>[], width: number): Fitted<Row>[] {
  const shown = columns.filter(({ from = 0 }) => width >= from);
  // What stands further right matters less.
  while (shown.length > 1 && narrowest(shown) > width) shown.pop();
  const fills = shown.filter((column) => column.width === 'fill').length;
  const fixed = shown.reduce((sum, each) => sum + (each.width === 'fill' ? 0 : each.width), 0);
  const left = Math.max(0, width - MARK_WIDTH - fixed - GAP * (shown.length - 1));
  let filled = 0;
  return shown.map((column) => {
    if (column.width !== 'fill') return { column, width: column.width };
    filled += 1;
    // The last one takes what the division leaves over.
    const share = Math.floor(left / fills);
    return { column, width: filled === fills ? left - share * (fills - 1) : share };
  });
}

/** Cells that a line takes at the least. */
function narrowest(columns: readonly { readonly width: number | 'fill' }[]): number {
  const cells = columns.reduce(
    (sum, each) => sum + (each.width === 'fill' ? FILL_MIN : each.width),
    0,
  );
  return MARK_WIDTH + cells + GAP * (columns.length - 1);
}

function renderTitles<Row>(
  columns: readonly Fitted<Row>[],
  { sort, isReversed }: TableState,
): string {
  const cells = columns.map(({ column, width }) => {
    const isSorted = column.title.toLowerCase() === sort;
    const mark = isSorted ? (isReversed ? '^' : 'v') : '';
    return renderCell(`${column.title}${mark}`, { width, align: column.align ?? 'left' });
  });
  return `${' '.repeat(MARK_WIDTH)}${cells.join(' ')}`;
}

function renderRow<Row>(
  columns: readonly Fitted<Row>[],
  row: Row,
  isSelected: boolean,
  paint: Paint,
): string {
  const cells = columns.map(({ column, width }) => {
    const cell = renderCell(column.text(row), { width, align: column.align ?? 'left' });
    return isSelected ? cell : paint(cell, column.tone?.(row) ?? 'plain');
  });
  const line = cells.join(' ');
  // The mark says it where reversal cannot be seen.
  return isSelected ? paint(`> ${line}`, 'selected') : `  ${line}`;
}

/** Names and values one below the other; values are wrapped, for some of them are sentences. */
export function renderFields(fields: readonly Field[], width: number, paint: Paint): string[] {
  const nameWidth = Math.min(24, Math.max(0, ...fields.map(([name]) => widthOf(name))));
  const room = Math.max(1, width - nameWidth - 4);
  return fields.flatMap(([name, value]) => {
    const head = paint(renderCell(name, { width: nameWidth }), 'bold');
    return wrapText(value, room).map((line, at) =>
      at === 0 ? `  ${head}  ${line}` : `  ${' '.repeat(nameWidth)}  ${line}`,
    );
  });
}

const WRAPPED_LINES_MAX = 8;

/** Cut into lines of cells; a value of a megabyte gets eight of them. */
function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text.slice(0, width * WRAPPED_LINES_MAX * 2);
  while (rest !== '' && lines.length < WRAPPED_LINES_MAX) {
    const line = renderCell(rest, { width }).trimEnd();
    if (!line.endsWith('…')) return [...lines, line];
    const cut = line.slice(0, -1);
    const space = cut.lastIndexOf(' ');
    const kept = space > width / 2 ? cut.slice(0, space) : cut;
    // What was made visible is longer than what it came from, and cannot be found again in it.
    if (kept === '' || !rest.startsWith(kept)) return [...lines, line];
    lines.push(kept);
    rest = rest.slice(kept.length).trimStart();
  }
  return lines.length === 0 ? [''] : lines;
}
