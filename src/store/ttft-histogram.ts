// Times to first token as counts per bucket, so that hours can be merged and a median still read.
// Bucket b holds 2^(b/8) up to 2^((b+1)/8) microseconds: 9 % wide, 80 buckets from 1 ms to 1 s.

const BUCKETS_PER_DOUBLING = 8;

/** Counts by bucket. Only buckets that hold something are present. */
export type TtftHistogram = Map<number, number>;

export function bucketOf(ttftUs: number): number {
  return Math.floor(Math.log2(Math.max(1, ttftUs)) * BUCKETS_PER_DOUBLING);
}

export function addToHistogram(into: TtftHistogram, bucket: number, count: number): void {
  into.set(bucket, (into.get(bucket) ?? 0) + count);
}

export function mergeHistogram(into: TtftHistogram, from: TtftHistogram): void {
  for (const [bucket, count] of from) addToHistogram(into, bucket, count);
}

/** The stored form, `{"81":3,"92":1}`; null when empty. Expects text that `renderHistogram` made. */
export function parseHistogram(text: string | null): TtftHistogram {
  const histogram: TtftHistogram = new Map();
  if (text === null) return histogram;
  const counts: Record<string, number> = JSON.parse(text);
  for (const [bucket, count] of Object.entries(counts)) histogram.set(Number(bucket), count);
  return histogram;
}

export function renderHistogram(histogram: TtftHistogram): string | null {
  if (histogram.size === 0) return null;
  return JSON.stringify(Object.fromEntries(histogram));
}

/** The median in milliseconds: the middle of the bucket it lies in. null without samples. */
export function medianMs(histogram: TtftHistogram): number | null {
  let samples = 0;
  for (const count of histogram.values()) samples += count;
  let before = 0;
  for (const [bucket, count] of [...histogram].toSorted(([left], [right]) => left - right)) {
    before += count;
    if (before * 2 >= samples) {
      const middleUs = 2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING);
      return Number((middleUs / 1_000).toPrecision(3));
    }
  }
  return null;
}
