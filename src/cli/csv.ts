import { toVisibleText } from './visible-text.ts';

/** RFC 4180: CRLF line ends, quotes where needed, every row as wide as the header. */
export function renderCsv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  const lines = [
    columns.map(toCell),
    ...rows.map((row) => columns.map((name) => toCell(row[name]))),
  ];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** Nested objects as `limits.concurrency`, lists with spaces between: what a cell can hold. */
export function flatten(
  value: Readonly<Record<string, unknown>>,
  prefix = '',
): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const path = `${prefix}${name}`;
    if (Array.isArray(field)) flat[path] = field.map(toListItem).join(' ');
    else if (isRecord(field)) Object.assign(flat, flatten(field, `${path}.`));
    else flat[path] = field;
  }
  return flat;
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = guardFormula(toVisibleText(String(value)));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Spreadsheets run a cell that begins like this; the apostrophe makes it text again. */
function guardFormula(text: string): string {
  return /^[=+\-@]/.test(text.trimStart()) ? `'${text}` : text;
}

function toListItem(item: unknown): string {
  return typeof item === 'object' ? JSON.stringify(item) : String(item);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
