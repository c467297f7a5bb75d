/** Samples older than this say nothing about now. One a second, so at most this many. */
const WINDOW_SAMPLES = 120;

export interface SaturationSample {
  readonly atMs: number;
  readonly inFlight: number;
  /** Mean of the first tokens since the last sample; null when there was none. */
  readonly ttftMs: number | null;
}

export interface SaturationWatch {
  /** True when the server falls behind: it will not catch up at this rate. */
  add(sample: SaturationSample): boolean;
}

/**
 * GuideLLM's rule: requests in flight *and* time to first token both grow, each with a slope whose
 * 95 % interval lies above zero, over the last two minutes, judged after `minMs`.
 */
export function watchSaturation(minMs = 30_000): SaturationWatch {
  const samples: SaturationSample[] = [];
  return {
    add(sample) {
      samples.push(sample);
      if (samples.length > WINDOW_SAMPLES) samples.shift();
      if (sample.atMs < minMs) return false;
      const flight = samples.map(({ atMs, inFlight }) => [atMs, inFlight] as const);
      const ttft = samples.flatMap(({ atMs, ttftMs }) =>
        ttftMs === null ? [] : [[atMs, ttftMs] as const],
      );
      return isGrowing(flight) && isGrowing(ttft);
    },
  };
}

/** Whether a straight line through the points rises, at 95 % confidence. */
export function isGrowing(points: readonly (readonly [x: number, y: number])[]): boolean {
  const n = points.length;
  if (n < 5) return false;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (const [x, y] of points) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
    yy += (y - meanY) ** 2;
  }
  if (xx === 0) return false;
  const slope = xy / xx;
  const residual = Math.max(0, yy - slope * xy);
  const error = Math.sqrt(residual / (n - 2) / xx);
  return slope - studentT95(n - 2) * error > 0;
}

/** Two-sided 95 % point of Student's t, by the Cornish-Fisher series: within 1 % from 3 degrees. */
export function studentT95(degrees: number): number {
  const z = 1.959964;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}
