/**
 * `retry-after` (RFC 9110, section 10.2.3): seconds or a date, as milliseconds from `nowMs`.
 * Undefined when there is none that can be read.
 */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  // Date.parse would also read -5 as a year.
  const atMs = /^[A-Z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
