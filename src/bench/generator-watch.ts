import type { Clock } from '../core/clock.ts';
import { DurationHistogram } from './histogram.ts';

const BEAT_MS = 20;
/** Of one core: the generator is one thread, and from here on it queues. */
const CPU_SHARE_MAX = 0.85;
/** Code that runs for the first time takes a core for a moment; that says nothing. */
const CPU_JUDGED_MS = 500;
/** Later than this and what is measured is partly the generator itself. */
const LAG_P99_MAX_MS = 20;

export interface GeneratorHealth {
  /** Of one core. */
  readonly cpuShare: number;
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** How much later than asked a timer runs: what every measured time may be off by. */
  readonly loopLag: DurationHistogram;
  /** How much later than due requests left, beyond waiting for a free place. */
  readonly sendLag: DurationHistogram;
  /** Why the figures may be the generator's rather than the server's. Empty: they are not. */
  readonly limits: readonly string[];
}

/** Watches the process that makes the load, so that it can say when it is itself too slow. */
export class GeneratorWatch {
  readonly sendLag = new DurationHistogram();
  readonly #loopLag = new DurationHistogram();
  readonly #clock: Clock;
  #cpuSeconds = 0;
  #wallMs = 0;
  #running: { readonly cpu: NodeJS.CpuUsage; readonly startMs: number } | null = null;
  #beat: ReturnType<typeof setInterval> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    let lastMs = this.#clock.monotonicMs();
    this.#running = { cpu: process.cpuUsage(), startMs: lastMs };
    this.#beat = setInterval(() => {
      const nowMs = this.#clock.monotonicMs();
      this.#loopLag.record(nowMs - lastMs - BEAT_MS);
      lastMs = nowMs;
    }, BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#beat);
    if (this.#running === null) return;
    const { user, system } = process.cpuUsage(this.#running.cpu);
    this.#cpuSeconds += (user + system) / 1e6;
    this.#wallMs += this.#clock.monotonicMs() - this.#running.startMs;
    this.#running = null;
  }

  /** Of all the time between `start` and `stop`. */
  get health(): GeneratorHealth {
    const cpuSeconds = this.#cpuSeconds;
    const cpuShare = cpuSeconds / Math.max(1e-3, this.#wallMs / 1_000);
    const [loopLag, sendLag] = [this.#loopLag, this.sendLag];
    return {
      cpuShare,
      cpuSeconds,
      rssBytes: process.memoryUsage.rss(),
      loopLag,
      sendLag,
      limits: findLimits({ cpuShare, wallMs: this.#wallMs, loopLag, sendLag }),
    };
  }
}

export interface Strain {
  readonly cpuShare: number;
  readonly wallMs: number;
  readonly loopLag: DurationHistogram;
  readonly sendLag: DurationHistogram;
}

/** In words, each with its figure. */
export function findLimits({ cpuShare, wallMs, loopLag, sendLag }: Strain): string[] {
  const limits: string[] = [];
  if (cpuShare > CPU_SHARE_MAX && wallMs >= CPU_JUDGED_MS) {
    limits.push(`it used ${Math.round(cpuShare * 100)} % of a core, and has only one`);
  }
  const late = [
    ['its event loop was late by', loopLag],
    ['requests left late by', sendLag],
  ] as const;
  for (const [what, histogram] of late) {
    // Also of few samples: a loop that stands still beats seldom.
    const p99 = histogram.percentile(99, true);
    if (p99 !== null && p99 > LAG_P99_MAX_MS) {
      limits.push(`${what} ${p99.toFixed(0)} ms (p99)`);
    }
  }
  return limits;
}
