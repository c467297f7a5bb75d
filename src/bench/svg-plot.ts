/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly lines: readonly Line[];
  /** Where an x is, 0 to 1, and what its ticks are called. By default evenly from 0. */
  readonly xScale?: { readonly place: (x: number) => number; readonly ticks: readonly number[] };
}

const WIDTH = 640;
const HEIGHT = 300;
const BOX = { left: 64, top: 36, right: 16, bottom: 64 };
const COLORS = ['#2563eb', '#dc2626', '#059669', '#9333ea', '#d97706', '#0891b2'];
/** Lines beyond this cannot be told apart. */
const LINES_MAX = 24;

/** An SVG picture. Every text in it is escaped; it refers to nothing outside itself. */
export function renderPlot(plot: Plot): string {
  const lines = plot.lines.filter(({ points }) => points.length > 0).slice(0, LINES_MAX);
  if (lines.length === 0) return '';
  const all = lines.flatMap(({ points }) => points);
  const xMax = niceCeiling(Math.max(...all.map(([x]) => x)));
  const yMax = niceCeiling(Math.max(...all.map(([, y]) => y)));
  const place = plot.xScale?.place ?? ((x: number) => x / xMax);
  const xTicks = plot.xScale?.ticks ?? fifths(xMax);
  const innerWidth = WIDTH - BOX.left - BOX.right;
  const innerHeight = HEIGHT - BOX.top - BOX.bottom;
  const xAt = (x: number) => (BOX.left + place(x) * innerWidth).toFixed(1);
  const yAt = (y: number) => (BOX.top + innerHeight - (y / yMax) * innerHeight).toFixed(1);
  const bottom = BOX.top + innerHeight;

  const grid = [
    ...fifths(yMax).map(
      (y) =>
        `<line class="grid" x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${yAt(y)}" y2="${yAt(y)}"/>` +
        `<text text-anchor="end" x="${BOX.left - 6}" y="${yAt(y)}" dy="4">${tick(y)}</text>`,
    ),
    ...xTicks.map(
      (x) => `<text text-anchor="middle" x="${xAt(x)}" y="${bottom + 16}">${tick(x)}</text>`,
    ),
  ];
  const drawn = lines.map(({ name, points }, at) => {
    const color = COLORS[at % COLORS.length];
    const path = points.map(([x, y]) => `${xAt(x)},${yAt(y)}`).join(' ');
    const dash = at >= COLORS.length ? ' stroke-dasharray="4 3"' : '';
    return `<polyline fill="none" stroke="${color}" stroke-width="1.5"${dash} points="${path}"><title>${escapeHtml(name)}</title></polyline>`;
  });
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(plot.title)}">
<text class="title" x="${BOX.left}" y="20">${escapeHtml(plot.title)}</text>
${grid.join('\n')}
${drawn.join('\n')}
<text text-anchor="middle" x="${BOX.left + innerWidth / 2}" y="${bottom + 36}">${escapeHtml(plot.xTitle)}</text>
<text text-anchor="middle" transform="translate(14 ${BOX.top + innerHeight / 2}) rotate(-90)">${escapeHtml(plot.yTitle)}</text>
</svg><figcaption>${lines.map(renderKey).join(' ')}</figcaption></figure>`;
}

function renderKey({ name }: Line, at: number): string {
  return `<span><i style="background:${COLORS[at % COLORS.length]}"></i>${escapeHtml(name)}</span>`;
}

function fifths(max: number): number[] {
  return [0, 1, 2, 3, 4, 5].map((part) => (max * part) / 5);
}

function tick(value: number): string {
  return escapeHtml(String(Number(value.toPrecision(4))));
}

/** The next of 1, 2, 2.5 and 5 times a power of ten. */
function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text from anywhere, as text of a page: no tags, and no characters that hide or reorder what
 * stands around them.
 */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
