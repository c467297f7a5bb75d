/**
 * The value below which a part `q` of the samples lies, as far as buckets tell: samples are taken to
 * be spread evenly over their bucket. Null without samples. What lies beyond the last bound is told
 * as that bound, for there is nothing else to tell.
 */
export function quantileOf(
  bounds: readonly number[],
  counts: readonly number[],
  q: number,
): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all <= 0) return null;
  const rank = q * all;
  let below = 0;
  for (const [at, bound] of bounds.entries()) {
    const count = counts[at] ?? 0;
    if (count > 0 && below + count >= rank) {
      const from = bounds[at - 1] ?? 0;
      return from + (bound - from) * Math.max(0, (rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}

/** What came in between two readings of the same histogram. */
export function countsBetween(before: readonly number[], now: readonly number[]): number[] {
  return now.map((count, at) => Math.max(0, count - (before[at] ?? 0)));
}
