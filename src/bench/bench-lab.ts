import { type HttpClient, openHttpClient } from '../backends/http1/client.ts';
import { startWatchdog } from '../backends/watchdog.ts';
import type { Clock } from '../core/clock.ts';
import { type Arrivals, createArrivals, replayArrivals } from './arrivals.ts';
import type { BodyOptions } from './endpoint.ts';
import { GeneratorWatch } from './generator-watch.ts';
import { Measurement, type OnTimings } from './measurement.ts';
import type { PromptSource } from './prompt.ts';
import { createRandom } from './random.ts';
import { type RunAim, type RunResult, toRunResult } from './result.ts';
import { type LoadPlan, runLoad } from './run-load.ts';
import { type BenchSettings, IN_FLIGHT_MAX } from './settings.ts';
import { createRequest, type Target } from './target.ts';

/** What every part of a benchmark works with. */
export interface BenchLab {
  readonly settings: BenchSettings;
  readonly prompts: PromptSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Once a second, while a run goes on. */
  readonly onSecond: (run: RunInProgress) => void;
  /** Each request as it ends. */
  readonly onTimings: ((run: string) => OnTimings) | null;
}

export interface RunInProgress {
  readonly name: string;
  readonly measurement: Measurement;
  /** How much of it there is, as far as it is known. */
  readonly count: number | null;
  readonly durationMs: number | null;
}

/** One server, the client for it and what has been measured of it. */
export interface Subject {
  readonly name: string;
  readonly target: Target;
  readonly client: HttpClient;
  readonly body: BodyOptions;
  readonly measurement: Measurement;
  readonly generator: GeneratorWatch;
  close(): void;
}

/** A client with room for every request that may be in flight. Close it. */
export function openClient(clock: Clock): { client: HttpClient; close(): void } {
  const watchdog = startWatchdog(clock);
  const client = openHttpClient({
    watchdog,
    clock,
    maxIdlePerOrigin: IN_FLIGHT_MAX,
    maxConnectionsPerOrigin: IN_FLIGHT_MAX,
  });
  const close = () => {
    client.close();
    watchdog.close();
  };
  return { client, close };
}

export function openSubject(
  lab: BenchLab,
  name: string,
  target: Target,
  { model, onTimings = null }: { readonly model: string; readonly onTimings?: OnTimings | null },
): Subject {
  const { settings, clock } = lab;
  const detailed = lab.onTimings?.(name) ?? null;
  const { client, close } = openClient(clock);
  return {
    name,
    target,
    client,
    body: {
      endpoint: settings.endpoint,
      model,
      stream: settings.stream,
      ignoreEos: settings.ignoreEos,
      extraBody: settings.extraBody,
    },
    measurement: new Measurement(settings.objectives, (shot, end) => {
      onTimings?.(shot, end);
      detailed?.(shot, end);
    }),
    generator: new GeneratorWatch(clock),
    close,
  };
}

export interface Burst {
  /** Number of the first prompt, so that no two bursts ask the same unless they are meant to. */
  readonly firstPrompt: number;
  readonly requestRate: number;
  readonly maxConcurrency: number | null;
  readonly count: number | null;
  readonly durationMs: number | null;
  readonly saturationAfterMs: number | null;
  /** A plain burst has no ramp, no cancellations and no times of a data set. */
  readonly isPlain: boolean;
}

/** Puts load on a subject and adds to what is measured of it. */
export async function fire(lab: BenchLab, subject: Subject, burst: Burst): Promise<void> {
  const { settings, prompts, clock, signal } = lab;
  const { measurement, generator, client, target, body, name } = subject;
  const plan = planLoad(lab, burst);
  await runLoad(plan, {
    client,
    clock,
    measurement,
    generator,
    signal,
    random: createRandom(settings.seed + burst.firstPrompt, 'cancellations'),
    endpoint: settings.endpoint,
    stream: settings.stream,
    requestAt: (index) => createRequest(target, body, prompts.at(burst.firstPrompt + index)),
    onSecond: () =>
      lab.onSecond({ name, measurement, count: burst.count, durationMs: burst.durationMs }),
  });
}

function planLoad({ settings, prompts }: BenchLab, burst: Burst): LoadPlan {
  const { requestRate, durationMs, isPlain } = burst;
  const ramp = isPlain ? null : settings.ramp;
  const replay = isPlain ? null : settings.speedup;
  const isClosed = requestRate === Number.POSITIVE_INFINITY && ramp === null && replay === null;
  return {
    arrivals: openArrivals({ settings, prompts }, burst, replay),
    isClosed,
    expectedRate: ramp === null ? requestRate : Math.max(ramp.startRps, ramp.endRps),
    maxInFlight: Math.min(burst.maxConcurrency ?? IN_FLIGHT_MAX, IN_FLIGHT_MAX),
    durationMs,
    graceMs: settings.graceMs,
    cancelRate: isPlain ? 0 : settings.cancelRate,
    cancelDelayMs: settings.cancelDelayMs,
    saturationAfterMs: burst.saturationAfterMs,
  };
}

function openArrivals(
  { settings, prompts }: Pick<BenchLab, 'settings' | 'prompts'>,
  { requestRate, count, durationMs, isPlain, firstPrompt }: Burst,
  replay: number | null,
): Arrivals {
  if (replay !== null && prompts.timesMs !== null) {
    return replayArrivals(prompts.timesMs.slice(firstPrompt), replay, count);
  }
  const { burstiness, ramp, seed } = settings;
  const plan = { requestRate, burstiness, ramp: isPlain ? null : ramp, count, durationMs };
  return createArrivals(plan, () => createRandom(seed + firstPrompt, 'arrivals'));
}

/** What was measured of a subject, as a run of the result. */
export function toResult(
  { settings }: BenchLab,
  { name, target, client, measurement, generator }: Subject,
  aim: Pick<RunAim, 'requestRate' | 'maxConcurrency'>,
): RunResult {
  const [connections] = client.stats();
  return toRunResult(
    { name, url: target.url, burstiness: settings.burstiness, ...aim },
    measurement,
    {
      percentiles: settings.percentiles,
      hasObjectives: Object.keys(settings.objectives).length > 0,
      generator: generator.health,
      connections: connections ?? { openedTotal: 0, reusedTotal: 0 },
    },
  );
}
