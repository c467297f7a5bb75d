import { toVisibleText } from '../core/visible-text.ts';

// Most cells: one character is one cell and nothing is hidden, which a regular expression sees faster
// than anything can measure.
const PLAIN = /^[\x20-\x7e]*$/;

/** Code units of foreign text that are looked at for one cell: marks may be stacked without end. */
const UNITS_PER_CELL = 8;

const segmenter = new Intl.Segmenter();

export interface CellLayout {
  readonly width: number;
  readonly align?: 'left' | 'right';
}

/** Foreign text in exactly `width` cells: neutral, cut with `…`, filled up with spaces. */
export function renderCell(text: string, { width, align = 'left' }: CellLayout): string {
  if (text.length <= width && PLAIN.test(text)) return fill(text, width, align);
  const cell = fitText(text, width);
  // Filling counts code units, of which a cell may have several, or half of one.
  return fill(cell, width + cell.length - widthOf(cell), align);
}

function fill(text: string, units: number, align: 'left' | 'right'): string {
  return align === 'right' ? text.padStart(units) : text.padEnd(units);
}

/** Foreign text in at most `width` cells: neutral, whole grapheme clusters, `…` where it is cut. */
export function fitText(text: string, width: number): string {
  if (width <= 0) return '';
  if (text.length <= width && PLAIN.test(text)) return text;
  const looked = text.slice(0, width * UNITS_PER_CELL + UNITS_PER_CELL);
  // Half of a pair that the slice cut through would be shown as a hidden character.
  const whole = looked.length < text.length ? looked.replace(/[\ud800-\udbff]$/, '') : looked;
  const visible = toVisibleText(whole);
  if (whole.length === text.length && widthOf(visible) <= width) return visible;
  if (PLAIN.test(visible)) return `${visible.slice(0, width - 1)}…`;
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(visible)) {
    used += Bun.stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Cells that our own text takes; escape sequences take none. */
export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : Bun.stringWidth(text);
}
