/** Latencies as load tests state them. Percentiles that are left out are interpolated. */
export interface LatencyPercentiles {
  readonly p50?: number | undefined;
  readonly p90?: number | undefined;
  readonly p95?: number | undefined;
  readonly p99?: number | undefined;
}

/** Points of the inverse distribution, rising in both numbers. */
export type LatencyCurve = readonly (readonly [quantile: number, latencyMs: number])[];

/**
 * A distribution that has exactly the given percentiles: straight lines between them, half of
 * the lowest one at quantile 0, and no tail beyond the highest one.
 */
export function createLatencyCurve(percentiles: LatencyPercentiles): LatencyCurve {
  const given: [number, number][] = [];
  for (const [quantile, latencyMs] of [
    [0.5, percentiles.p50],
    [0.9, percentiles.p90],
    [0.95, percentiles.p95],
    [0.99, percentiles.p99],
  ] as const) {
    if (latencyMs !== undefined) given.push([quantile, latencyMs]);
  }
  const lowest = given[0]?.[1] ?? 0;
  const highest = given.at(-1)?.[1] ?? 0;
  return [[0, lowest / 2], ...given, [1, highest]];
}

/** The latency at `quantile` (0–1). With a uniform random number: one sample. */
export function latencyAt(curve: LatencyCurve, quantile: number): number {
  let [fromQuantile, fromMs] = curve[0] ?? [0, 0];
  for (const [toQuantile, toMs] of curve) {
    if (quantile <= toQuantile) {
      const width = toQuantile - fromQuantile;
      return width === 0 ? toMs : fromMs + ((toMs - fromMs) * (quantile - fromQuantile)) / width;
    }
    [fromQuantile, fromMs] = [toQuantile, toMs];
  }
  return fromMs;
}
