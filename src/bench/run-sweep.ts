import { type BenchLab, type Burst, fire, openSubject, toResult } from './bench-lab.ts';
import type { Measurement } from './measurement.ts';
import type { BenchOutcome, SweepResult } from './outcome.ts';
import type { RunResult } from './result.ts';
import { findKeptUp, findKnee, isCarried, planRates, type SweepStep } from './sweep.ts';
import type { Target } from './target.ts';

/** Requests at once when the fastest is looked for and nobody said how many. */
const FASTEST_CONCURRENCY = 256;
/** Longest the watch on over-saturation waits before it judges. */
const SATURATION_AFTER_MS = 30_000;

interface Step {
  readonly run: RunResult;
  readonly measurement: Measurement;
}

/**
 * One request at a time, then as many as may be, then rates between what the two gave, from the
 * lowest. A rate that the server falls behind at ends the sweep: higher ones would only be worse.
 */
export async function runSweep(
  lab: BenchLab,
  target: Target,
  model: string,
): Promise<BenchOutcome> {
  const { settings, signal } = lab;
  const runs: RunResult[] = [];
  let firstPrompt = 0;

  const step = async (name: string, requestRate: number, maxConcurrency: number | null) => {
    const subject = openSubject(lab, name, target, { model });
    try {
      await fire(lab, subject, { ...planStep(lab), firstPrompt, requestRate, maxConcurrency });
      const { measurement } = subject;
      firstPrompt += measurement.sent;
      const run = toResult(lab, subject, { requestRate, maxConcurrency });
      runs.push(run);
      return { run, measurement };
    } finally {
      subject.close();
    }
  };

  const infinity = Number.POSITIVE_INFINITY;
  const slowest = await step('one at a time', infinity, 1);
  if (signal.aborted || slowest.measurement.completed === 0) {
    return toOutcome(lab, model, { runs, sweep: null });
  }
  const fastest = await step(
    'as fast as it goes',
    infinity,
    settings.maxConcurrency ?? FASTEST_CONCURRENCY,
  );
  const rates = planRates(throughputOf(slowest), throughputOf(fastest), settings.sweepRates ?? 1);
  const steps: SweepStep[] = [];
  const results: SweepResult['steps'][number][] = [];
  for (const rate of rates) {
    if (signal.aborted) break;
    const at = await step(`${formatRate(rate)} requests/s`, rate, settings.maxConcurrency);
    const judged = judgeStep(rate, at);
    steps.push(judged);
    results.push({
      request_rate: Number(rate.toFixed(3)),
      is_carried: isCarried(judged),
      kept_up_ratio: Number(judged.keptUp.toFixed(4)),
      stop_reason: at.run.stop_reason,
    });
    if (judged.overSaturated) break;
  }
  const sweep = {
    knee_request_rate: roundRate(findKnee(steps)),
    steps: results,
    skipped_request_rates: rates.slice(steps.length).map((rate) => Number(rate.toFixed(3))),
  };
  return toOutcome(lab, model, { runs, sweep });
}

function planStep({
  settings,
}: BenchLab): Omit<Burst, 'firstPrompt' | 'requestRate' | 'maxConcurrency'> {
  const durationMs = settings.durationMs ?? SATURATION_AFTER_MS;
  return {
    count: null,
    durationMs,
    saturationAfterMs: Math.min(SATURATION_AFTER_MS, durationMs / 2),
    isPlain: true,
  };
}

function judgeStep(rate: number, { run, measurement }: Step): SweepStep {
  const { figures } = run;
  return {
    rate,
    keptUp: findKeptUp(measurement.series, measurement.sendingMs),
    errorRatio: figures['error_ratio'] ?? 1,
    overSaturated: measurement.stopReason === 'over_saturated',
    goodRatio: figures['goodput_ratio'] ?? null,
  };
}

function throughputOf({ measurement }: Step): number {
  return measurement.completed / Math.max(1e-3, measurement.durationMs / 1_000);
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3);
}

function roundRate(rate: number | null): number | null {
  return rate === null ? null : Number(rate.toFixed(3));
}

function toOutcome(
  { signal }: BenchLab,
  model: string,
  measured: Pick<BenchOutcome, 'runs' | 'sweep'>,
): BenchOutcome {
  return { model, comparison: null, wasInterrupted: signal.aborted, ...measured };
}
