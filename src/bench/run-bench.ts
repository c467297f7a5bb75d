import { type BenchLab, fire, openClient, openSubject, toResult } from './bench-lab.ts';
import type { BenchOutcome } from './outcome.ts';
import { runComparison } from './run-comparison.ts';
import { runSweep } from './run-sweep.ts';
import { probeTarget, type Target, TargetError } from './target.ts';

/** Warm-ups are prompts that are not asked again. */
const FIRST_WARMUP_PROMPT = 2 ** 30;
const WARMUPS_AT_ONCE_MAX = 16;

const PROBE_EVERY_MS = 250;

/**
 * Measures `target`, alone or against `direct`, the server behind it. Throws TargetError when a
 * server is not there or lets nobody in.
 */
export async function runBench(
  lab: BenchLab,
  target: Target,
  direct: Target | null,
): Promise<BenchOutcome> {
  const model = await probe(lab, target, lab.settings.model);
  if (direct === null) {
    await warmUp(lab, target, model);
    if (lab.settings.sweepRates !== null) return runSweep(lab, target, model);
    return runOnce(lab, target, model);
  }
  const directModel = await probe(lab, direct, lab.settings.compareModel ?? model);
  await warmUp(lab, direct, directModel);
  await warmUp(lab, target, model);
  return runComparison(lab, { direct, gateway: target }, { direct: directModel, gateway: model });
}

/** The model to ask for, once the server is there. */
async function probe(lab: BenchLab, target: Target, model: string | null): Promise<string> {
  const { clock, settings, signal } = lab;
  const { client, close } = openClient(clock);
  const untilMs = clock.monotonicMs() + settings.readyTimeoutMs;
  try {
    for (;;) {
      try {
        return await probeTarget(client, target, model);
      } catch (cause) {
        const mayCome = cause instanceof TargetError && cause.kind === 'unreachable';
        if (!mayCome || signal.aborted || clock.monotonicMs() >= untilMs) throw cause;
        await Bun.sleep(PROBE_EVERY_MS);
      }
    }
  } finally {
    close();
  }
}

async function warmUp(lab: BenchLab, target: Target, model: string): Promise<void> {
  const { numWarmups } = lab.settings;
  if (numWarmups === 0) return;
  const subject = openSubject({ ...lab, onTimings: null }, 'warm-up', target, { model });
  try {
    await fire(lab, subject, {
      firstPrompt: FIRST_WARMUP_PROMPT,
      requestRate: Number.POSITIVE_INFINITY,
      maxConcurrency: Math.min(numWarmups, WARMUPS_AT_ONCE_MAX),
      count: numWarmups,
      durationMs: null,
      saturationAfterMs: null,
      isPlain: true,
    });
  } finally {
    subject.close();
  }
}

async function runOnce(lab: BenchLab, target: Target, model: string): Promise<BenchOutcome> {
  const { requestRate, maxConcurrency, numPrompts, durationMs } = lab.settings;
  const subject = openSubject(lab, 'run', target, { model });
  try {
    await fire(lab, subject, {
      firstPrompt: 0,
      requestRate,
      maxConcurrency,
      count: numPrompts,
      durationMs,
      saturationAfterMs: lab.settings.stopOverSaturated ? 30_000 : null,
      isPlain: false,
    });
    const run = toResult(lab, subject, { requestRate, maxConcurrency });
    return {
      model,
      runs: [run],
      comparison: null,
      sweep: null,
      wasInterrupted: lab.signal.aborted,
    };
  } finally {
    subject.close();
  }
}
