import { percentileOf } from '../bench/assertion.ts';
import type { PromptSource } from '../bench/prompt.ts';
import type { BenchSettings } from '../bench/settings.ts';
import type { BenchFlags } from './bench-flags.ts';
import { CliError, EXIT } from './exit-code.ts';

const PROMPTS_DEFAULT = 200;
const CONCURRENCY_DEFAULT = 16;
const OUTPUT_TOKENS_DEFAULT = 128;
/** A rate of a sweep needs time to show whether it can be kept. */
const SWEEP_STEP_MIN_MS = 5_000;

/** The longest answer to ask for; a file may leave it to the server. */
export function outputTokensOf(flags: BenchFlags): number | null {
  const isOwn = flags.datasetPath !== undefined;
  return flags.outputLen ?? (isOwn ? null : OUTPUT_TOKENS_DEFAULT);
}

/** Throws CliError, exit 2, for flags that contradict each other. */
export function toSettings(flags: BenchFlags, prompts: PromptSource): BenchSettings {
  checkTogether(flags, prompts);
  const isReplay = prompts.timesMs !== null && flags.requestRate === undefined;
  const ramp = toRamp(flags);
  const isOpen = flags.requestRate !== undefined || ramp !== null || isReplay;
  const assertions = flags.assert ?? [];
  const asked = assertions.map(({ field }) => percentileOf(field));
  return {
    endpoint: flags.endpoint,
    stream: flags.stream && flags.endpoint !== 'embeddings',
    model: flags.model ?? null,
    compareModel: flags.compareModel ?? null,
    readyTimeoutMs: flags.readyCheckTimeoutSec * 1_000,
    ignoreEos: flags.ignoreEos ?? false,
    extraBody: flags.extraBody ?? {},
    numPrompts: toNumPrompts(flags, isReplay ? prompts.size : null),
    durationMs: flags.duration ?? null,
    graceMs: flags.gracePeriod,
    requestRate: flags.requestRate ?? Number.POSITIVE_INFINITY,
    burstiness: flags.burstiness,
    ramp,
    speedup: isReplay ? (flags.speedup ?? 1) : null,
    maxConcurrency: flags.maxConcurrency ?? (isOpen || flags.sweep ? null : CONCURRENCY_DEFAULT),
    numWarmups: flags.numWarmups,
    cancelRate: flags.cancelRate ?? 0,
    cancelDelayMs: flags.cancelDelay,
    stopOverSaturated: flags.stopOverSaturated ?? false,
    sweepRates: flags.sweep === true ? 8 : (flags.sweep ?? null),
    rounds: flags.rounds,
    seed: flags.seed,
    objectives: flags.goodput ?? {},
    percentiles: [...new Set([...flags.metricPercentiles, ...asked.filter((p) => p !== null)])],
    assertions,
    metadata: flags.metadata ?? {},
  };
}

/** A duration alone has no number; a replay ends with its trace. */
function toNumPrompts(flags: BenchFlags, traceSize: number | null): number | null {
  if (traceSize !== null) return Math.min(flags.numPrompts ?? traceSize, traceSize);
  return flags.numPrompts ?? (flags.duration === undefined ? PROMPTS_DEFAULT : null);
}

function toRamp(flags: BenchFlags): BenchSettings['ramp'] {
  const { rampUpStrategy: strategy, rampUpStartRps, rampUpEndRps } = flags;
  if (strategy === undefined) return null;
  if (rampUpStartRps === undefined || rampUpEndRps === undefined) {
    throw usage('--ramp-up-strategy needs --ramp-up-start-rps and --ramp-up-end-rps');
  }
  return { strategy, startRps: rampUpStartRps, endRps: rampUpEndRps };
}

function checkTogether(flags: BenchFlags, prompts: PromptSource): void {
  const { sweep, compare, duration, rampUpStrategy } = flags;
  if (sweep !== undefined && compare !== undefined) throw usage('--sweep and --compare are two');
  if (sweep !== undefined && (flags.requestRate !== undefined || rampUpStrategy !== undefined)) {
    throw usage('--sweep finds the rate itself; leave --request-rate and the ramp out');
  }
  if (sweep !== undefined && duration !== undefined && duration < SWEEP_STEP_MIN_MS) {
    throw usage('--duration is that of one rate of the sweep: 5s at least');
  }
  if (rampUpStrategy !== undefined && flags.requestRate !== undefined) {
    throw usage('--request-rate and a ramp are two rates');
  }
  if (rampUpStrategy === undefined && (flags.rampUpStartRps ?? flags.rampUpEndRps) !== undefined) {
    throw usage('a ramp needs --ramp-up-strategy linear or exponential');
  }
  if (
    flags.speedup !== undefined &&
    (prompts.timesMs === null || flags.requestRate !== undefined)
  ) {
    throw usage('--speedup is for a trace that is replayed in its own time');
  }
}

function usage(message: string): CliError {
  return new CliError(message, EXIT.usage, '(llmgate bench --help shows every flag)');
}
