import type { ArrivalPlan } from './arrivals.ts';
import type { Assertion } from './assertion.ts';
import type { BenchEndpoint } from './endpoint.ts';
import type { Objectives } from './goodput.ts';

/** What a benchmark is to do, all flags parsed. */
export interface BenchSettings {
  readonly endpoint: BenchEndpoint;
  readonly stream: boolean;
  /** Null takes the first that the server lists. */
  readonly model: string | null;
  /** Its name at the server that is compared with; null is the same. */
  readonly compareModel: string | null;
  /** How long a server may take to be there. */
  readonly readyTimeoutMs: number;
  readonly ignoreEos: boolean;
  readonly extraBody: Readonly<Record<string, unknown>>;
  readonly numPrompts: number | null;
  readonly durationMs: number | null;
  readonly graceMs: number;
  readonly requestRate: number;
  readonly burstiness: number;
  readonly ramp: ArrivalPlan['ramp'];
  /** Replay the times of the data set, this much faster; null keeps to the rate. */
  readonly speedup: number | null;
  readonly maxConcurrency: number | null;
  readonly numWarmups: number;
  readonly cancelRate: number;
  readonly cancelDelayMs: number;
  readonly stopOverSaturated: boolean;
  /** Rates of a sweep between the slowest and the fastest; null measures one. */
  readonly sweepRates: number | null;
  /** Rounds of a comparison. */
  readonly rounds: number;
  readonly seed: number;
  readonly objectives: Objectives;
  readonly percentiles: readonly number[];
  readonly assertions: readonly Assertion[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Sockets of one client; beyond it the schedule waits, and is timed waiting. */
export const IN_FLIGHT_MAX = 16_000;
