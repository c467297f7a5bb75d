import { type Assertion, isKept, percentileOf } from './assertion.ts';
import type { Difference } from './comparison.ts';
import type { RunResult } from './result.ts';

/** The direct and the gateway run, request by request. */
export interface ComparisonResult {
  readonly direct_url: string;
  readonly gateway_url: string;
  readonly rounds: number;
  /** Requests that both answered whole. */
  readonly pairs: number;
  readonly differences: readonly {
    /** `added_p50_ttft_ms`: gateway less direct. */
    readonly figure: string;
    readonly estimate_ms: number;
    readonly low_ms: number;
    readonly high_ms: number;
    /** The interval does not hold zero. */
    readonly is_significant: boolean;
  }[];
  /** Of the medians; below 1 means that the gateway holds tokens back and sends them together. */
  readonly median_itl_ratio: number | null;
}

export interface SweepResult {
  /** Requests a second; null when not even the lowest rate was carried. */
  readonly knee_request_rate: number | null;
  readonly steps: readonly {
    readonly request_rate: number;
    readonly is_carried: boolean;
    readonly kept_up_ratio: number;
    readonly stop_reason: string;
  }[];
  /** Rates that were not tried because a lower one was too much. */
  readonly skipped_request_rates: readonly number[];
}

export interface AssertionResult {
  readonly assertion: string;
  readonly figure: string;
  /** Null when it was not measured, or on too few samples. */
  readonly actual: number | null;
  readonly is_kept: boolean;
  /** Why it could not be judged. */
  readonly reason: string | null;
}

/** What was measured, before anything is said about where and how. */
export interface BenchOutcome {
  readonly model: string;
  readonly runs: readonly RunResult[];
  readonly comparison: ComparisonResult | null;
  readonly sweep: SweepResult | null;
  readonly wasInterrupted: boolean;
}

export function toDifference(
  figure: string,
  difference: Difference,
): ComparisonResult['differences'][number] {
  const [estimate, low, high] = [difference.estimateMs, difference.lowMs, difference.highMs].map(
    (ms) => Number(ms.toFixed(4)),
  );
  return {
    figure,
    estimate_ms: estimate ?? 0,
    low_ms: low ?? 0,
    high_ms: high ?? 0,
    is_significant: difference.lowMs > 0 || difference.highMs < 0,
  };
}

/**
 * Judges conditions on the last run: the only one, the one through the gateway, or the highest rate
 * of a sweep that was tried. What cannot be judged is not kept.
 */
export function judge(
  assertions: readonly Assertion[],
  { runs, comparison }: Pick<BenchOutcome, 'runs' | 'comparison'>,
): AssertionResult[] {
  const last = runs.at(-1);
  return assertions.map((assertion) => {
    const { field } = assertion;
    const added = comparison?.differences.find(({ figure }) => figure === field);
    const actual = added?.estimate_ms ?? last?.figures[field] ?? null;
    const reason = actual === null ? explainMissing(field, comparison !== null) : null;
    return {
      assertion: assertion.text,
      figure: field,
      actual,
      is_kept: isKept(assertion, actual),
      reason,
    };
  });
}

function explainMissing(field: string, isComparing: boolean): string {
  if (field.startsWith('added_') && !isComparing) return 'there is no --compare to measure it';
  const percent = percentileOf(field);
  if (percent === null) return 'nothing was measured';
  const needed = Math.ceil(300 / (100 - percent) - 1e-9);
  return `too few samples: p${percent} takes ${needed}`;
}

/** A document to be written: each run's figures stand among its other fields. */
export function toPlainRun({ figures, ...run }: RunResult): Record<string, unknown> {
  const { curves, series, ...facts } = run;
  return { ...facts, ...figures, curves, series };
}
