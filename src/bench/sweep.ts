import type { Series } from './series.ts';

/** One rate of a sweep, as far as the choice of the knee needs it. */
export interface SweepStep {
  /** Requests a second that were asked for. */
  readonly rate: number;
  /** What was answered of what was sent while it was sent, once it had settled: 1 keeps up. */
  readonly keptUp: number;
  readonly errorRatio: number;
  readonly overSaturated: boolean;
  /** Share of answers that kept the objectives; null when there are none. */
  readonly goodRatio: number | null;
}

/** So much of a rate must be answered while it goes on for it to count as carried. */
const CARRIED_SHARE = 0.95;
const ERROR_RATIO_MAX = 0.01;
const GOOD_RATIO_MIN = 0.95;

/**
 * Rates between the throughput of one request at a time and that of all at once, evenly spaced,
 * the highest a tenth beyond it so that the sweep sees the server fail. As GuideLLM's sweep.
 */
export function planRates(slowest: number, fastest: number, count: number): number[] {
  const low = Math.min(slowest, fastest);
  const high = Math.max(slowest, fastest) * 1.1;
  if (count === 1) return [high];
  return Array.from({ length: count }, (_, at) => low + ((high - low) * at) / (count - 1));
}

export function isCarried(step: SweepStep): boolean {
  return (
    !step.overSaturated &&
    step.keptUp >= CARRIED_SHARE &&
    step.errorRatio <= ERROR_RATIO_MAX &&
    (step.goodRatio ?? 1) >= GOOD_RATIO_MIN
  );
}

/** The highest rate that was carried, and every lower one with it. Null: not even the lowest. */
export function findKnee(steps: readonly SweepStep[]): number | null {
  let knee: number | null = null;
  for (const step of steps.toSorted((one, other) => one.rate - other.rate)) {
    if (!isCarried(step)) break;
    knee = step.rate;
  }
  return knee;
}

/**
 * Answers against requests in the second half of the time in which requests were sent: a server
 * that falls behind answers fewer, whatever its latency is. The tail after the last request would
 * dilute a plain throughput.
 */
export function findKeptUp(series: Series, sendingMs: number): number {
  const seconds = Math.floor(sendingMs / 1_000 / series.widthS);
  const half = series.points.slice(Math.floor(seconds / 2), seconds);
  const sent = half.reduce((sum, point) => sum + point.sent, 0);
  const ended = half.reduce((sum, point) => sum + point.completed + point.failed, 0);
  return sent === 0 ? 0 : ended / sent;
}
