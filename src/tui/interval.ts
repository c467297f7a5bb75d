/** Milliseconds between two documents that `+` and `-` go through. */
export const INTERVALS_MS = [100, 250, 500, 1_000, 2_000, 5_000, 10_000] as const;

const LONGEST_MS = 10_000;

/** `500ms`, `2s`, or a number of seconds; null for anything else and beyond the bounds. */
export function parseIntervalMs(text: string): number | null {
  const [, digits = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
  if (digits === '') return null;
  const ms = Number(digits) * (unit === 'ms' ? 1 : 1_000);
  return ms >= INTERVALS_MS[0] && ms <= LONGEST_MS ? ms : null;
}
