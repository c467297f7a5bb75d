const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size for people, of two or three digits: `42 B`, `1.5 MB`. */
export function toByteSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
