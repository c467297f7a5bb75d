const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** The newest values at the right, scaled to the largest of those shown. `null` is a gap. */
export function renderSparkline(values: readonly (number | null)[], width: number): string {
  const shown = width <= 0 ? [] : values.slice(-width);
  const most = Math.max(0, ...shown.map((value) => value ?? 0));
  const text = shown.map((value) => {
    if (value === null) return ' ';
    // Something is more than nothing, however little.
    const step = most === 0 ? 0 : Math.ceil((value / most) * (BLOCKS.length - 1));
    return BLOCKS[step] ?? ' ';
  });
  return ' '.repeat(Math.max(0, width - shown.length)) + text.join('');
}

/** A part from 0 to 1 as a bar: `[#####-----]`, which every font has. */
export function renderBar(part: number | null, width: number): string {
  const room = Math.max(0, width - 2);
  const filled = Math.round(Math.min(1, Math.max(0, part ?? 0)) * room);
  return `[${'#'.repeat(filled)}${'-'.repeat(room - filled)}]`.slice(0, width);
}
