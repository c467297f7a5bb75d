import { cpus, release, type } from 'node:os';
import { type AssertionResult, type BenchOutcome, judge, toPlainRun } from './outcome.ts';
import { round } from './run-figures.ts';
import type { BenchSettings } from './settings.ts';

/** Changes only when a field changes its meaning or goes; new fields may come at any time. */
const SCHEMA_VERSION = 1;

export interface ToolFacts {
  readonly version: string;
  readonly commit: string | null;
}

/** The whole result of `llmgate bench`, as `docs/bench.schema.json` describes it. */
export interface BenchDocument {
  readonly schema_version: number;
  /** When it began, ISO 8601. */
  readonly date: string;
  readonly tool: { readonly version: string; readonly commit: string | null; readonly bun: string };
  readonly environment: {
    readonly cpu_model: string;
    readonly cores: number;
    readonly kernel: string;
  };
  readonly metadata: Readonly<Record<string, string>>;
  readonly model_id: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly was_interrupted: boolean;
  readonly runs: readonly Readonly<Record<string, unknown>>[];
  readonly comparison: BenchOutcome['comparison'];
  readonly sweep: BenchOutcome['sweep'];
  readonly assertions: readonly AssertionResult[];
  /** At least one request succeeded and every assertion is kept. */
  readonly passed: boolean;
}

export function toDocument(
  outcome: BenchOutcome,
  settings: BenchSettings,
  { startedMs, tool }: { readonly startedMs: number; readonly tool: ToolFacts },
): BenchDocument {
  const assertions = judge(settings.assertions, outcome);
  const [cpu] = cpus();
  return {
    schema_version: SCHEMA_VERSION,
    date: new Date(startedMs).toISOString(),
    tool: { ...tool, bun: Bun.version },
    environment: {
      cpu_model: cpu?.model ?? 'unknown',
      cores: cpus().length,
      kernel: `${type()} ${release()}`,
    },
    metadata: settings.metadata,
    model_id: outcome.model,
    settings: toPlainSettings(settings),
    was_interrupted: outcome.wasInterrupted,
    runs: outcome.runs.map(toPlainRun),
    comparison: outcome.comparison,
    sweep: outcome.sweep,
    assertions,
    passed: hasSucceeded(outcome) && assertions.every((assertion) => assertion.is_kept),
  };
}

export function hasSucceeded({ runs }: Pick<BenchOutcome, 'runs'>): boolean {
  return runs.length > 0 && runs.every(({ figures }) => (figures['completed'] ?? 0) > 0);
}

/** What was asked for, without anything that may be secret. Durations in seconds. */
function toPlainSettings(settings: BenchSettings): Record<string, unknown> {
  const { ramp, objectives } = settings;
  return {
    endpoint: settings.endpoint,
    stream: settings.stream,
    ignore_eos: settings.ignoreEos,
    num_prompts: settings.numPrompts,
    duration: settings.durationMs === null ? null : round(settings.durationMs / 1_000),
    request_rate: finiteOrInf(settings.requestRate),
    burstiness: finiteOrInf(settings.burstiness),
    max_concurrency: settings.maxConcurrency,
    ramp_up_strategy: ramp?.strategy ?? null,
    ramp_up_start_rps: ramp?.startRps ?? null,
    ramp_up_end_rps: ramp?.endRps ?? null,
    speedup: settings.speedup,
    num_warmups: settings.numWarmups,
    cancel_rate: settings.cancelRate,
    seed: settings.seed,
    goodput: {
      ttft_ms: objectives.ttft ?? null,
      tpot_ms: objectives.tpot ?? null,
      e2el_ms: objectives.e2el ?? null,
    },
  };
}

function finiteOrInf(value: number): number | 'inf' {
  return Number.isFinite(value) ? value : 'inf';
}
