import type { DurationHistogram } from './histogram.ts';
import { METRICS, type Measurement } from './measurement.ts';

/** Figures by their name in the result; null is one that cannot be said. */
export type Figures = Readonly<Record<string, number | null>>;

/**
 * The timings of a run under vLLM's names: `mean_ttft_ms`, `p99_itl_ms`, `std_e2el_ms`. Besides
 * there is `count_ttft`: how many samples there are. A percentile that fewer than three samples lie
 * beyond is null.
 */
export function toFigures(run: Measurement, percentiles: readonly number[]): Figures {
  const figures: Record<string, number | null> = {};
  for (const metric of METRICS) {
    const histogram = run.histograms[metric];
    const name = `${metric}_ms`;
    figures[`mean_${name}`] = round(histogram.mean);
    figures[`median_${name}`] = round(histogram.percentile(50));
    figures[`std_${name}`] = round(histogram.deviation);
    figures[`min_${name}`] = round(histogram.min);
    figures[`max_${name}`] = round(histogram.max);
    for (const percent of percentiles) {
      figures[`p${percent}_${name}`] = round(histogram.percentile(percent));
    }
    figures[`count_${metric}`] = histogram.count;
  }
  return figures;
}

/** Counts and rates of a run, under vLLM's names where it has them. A second is a second. */
export function toRates(run: Measurement, hasObjectives: boolean): Figures {
  const seconds = Math.max(run.durationMs / 1_000, 1e-6);
  const ended = run.completed + run.faults.total;
  const tokensPerPiece = run.piecesTotal === 0 ? 1 : run.outputTokens / run.piecesTotal;
  const streamed = run.series.points.map(({ pieces }) => pieces / run.series.widthS);
  // Whole answers add tokens to the series and not to the pieces.
  const scale = run.piecesTotal === 0 ? 1 : tokensPerPiece;
  return {
    duration: round(seconds),
    sent: run.sent,
    completed: run.completed,
    failed: run.faults.total,
    cancelled: run.cancelled,
    incomplete: run.incomplete,
    unsent: run.unsent,
    error_ratio: ended === 0 ? 0 : round(run.faults.total / ended, 6),
    total_input_tokens: run.inputTokens,
    total_output_tokens: run.outputTokens,
    request_throughput: round(run.completed / seconds),
    request_goodput: hasObjectives ? round(run.good / seconds) : null,
    goodput_ratio: hasObjectives && ended > 0 ? round(run.good / ended, 6) : null,
    output_throughput: round(run.outputTokens / seconds),
    total_token_throughput: round((run.inputTokens + run.outputTokens) / seconds),
    max_output_tokens_per_s: round(Math.max(0, ...streamed) * scale),
    max_concurrent_requests: run.inFlightMax,
    tokens_per_chunk: run.piecesTotal === 0 ? null : round(tokensPerPiece),
    answers_with_usage: run.answersWithUsage,
    answers_without_usage: run.answersWithoutUsage,
    answers_with_impossible_usage: run.answersWithNonsense,
  };
}

/** Percentiles that draw a curve on an axis of nines. */
const CURVE = [0, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];

export function toCurve(histogram: DurationHistogram): (readonly [number, number])[] {
  return CURVE.flatMap((percent) => {
    const ms = histogram.percentile(percent);
    return ms === null ? [] : [[percent, round(ms) ?? 0] as const];
  });
}

/** Microseconds are as fine as anything here is measured. */
export function round(value: number, digits?: number): number;
export function round(value: number | null, digits?: number): number | null;
export function round(value: number | null, digits = 3): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
