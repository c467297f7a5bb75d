import type { Clock } from '../core/clock.ts';
import type { GpuSample } from './gpu-sample.ts';
import type { GpuReading, GpuSource, GpuSourceName } from './gpu-source.ts';
import { createPowerMeter } from './power-meter.ts';

/** The GPUs of this machine, read in the background. */
export interface GpuWatch {
  /** The last reading, at no cost; empty without GPUs and when the last one is too old. */
  sample(): readonly GpuSample[];
  state(): GpuWatchState;
  /** Resolves once the first source has answered or none was found. */
  readonly ready: Promise<void>;
  close(): void;
}

export interface GpuWatchState {
  /** null while nothing answers. */
  readonly source: GpuSourceName | null;
  readonly driver: string | null;
  /** Why there is nothing, or why figures are missing; null when all is well. */
  readonly problem: string | null;
  readonly readings: number;
  readonly failures: number;
  /** How often a source was opened again because it had failed. */
  readonly reopened: number;
}

export interface GpuWatchOptions {
  /** In the order they are tried; null where one cannot be on this machine. */
  readonly sources: readonly (() => GpuSource | null)[];
  readonly clock: Clock;
  /** Runs once after the delay; what is returned calls it off. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** Told once of each change, in words; there is nothing to say without GPUs but one debug line. */
  readonly onChange?: (level: 'debug' | 'info' | 'warn', message: string) => void;
  /** Told of every reading: for what adds up. */
  readonly onSample?: (samples: readonly GpuSample[]) => void;
}

/** Readings in a row that fail or lack figures before the source is opened again. */
const FAULTS_MAX = 5;
const REOPEN_MS_MIN = 10_000;
const REOPEN_MS_MAX = 5 * 60_000;
/** A reading that takes longer is given up on; no other is begun until it ends. */
const READ_DEADLINE_MS = 15_000;
const STALE_AFTER_READINGS = 4;

/** Never throws: a machine without GPUs, or with a broken driver, only has fewer figures. */
export function openGpus(options: GpuWatchOptions): GpuWatch {
  return new OpenWatch(options);
}

class OpenWatch implements GpuWatch {
  readonly ready: Promise<void>;
  readonly #options: GpuWatchOptions;
  readonly #meter = createPowerMeter();
  #source: GpuSource | null = null;
  #samples: readonly GpuSample[] = [];
  #sampledAtMs = 0;
  #driver: string | null = null;
  #problem: string | null = null;
  #told: string | null = null;
  #counts = { readings: 0, failures: 0, reopened: 0 };
  /** Readings with something wrong, in a row. */
  #badInARow = 0;
  #reopenMs = REOPEN_MS_MIN;
  #reopenAtMs = 0;
  #cancel: () => void = () => {};
  #isClosed = false;

  constructor(options: GpuWatchOptions) {
    this.#options = options;
    this.ready = this.#choose();
  }

  sample(): readonly GpuSample[] {
    const everyMs = this.#source?.everyMs ?? 1_000;
    const ageMs = this.#options.clock.monotonicMs() - this.#sampledAtMs;
    return ageMs > everyMs * STALE_AFTER_READINGS + READ_DEADLINE_MS ? [] : this.#samples;
  }

  state(): GpuWatchState {
    const source = this.#source?.name ?? null;
    return { source, driver: this.#driver, problem: this.#problem, ...this.#counts };
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#source?.close();
    this.#samples = [];
  }

  /** The first source that shows a GPU. */
  async #choose(): Promise<void> {
    const problems: string[] = [];
    for (const open of this.#options.sources) {
      if (this.#isClosed) return;
      const source = open();
      if (source === null) continue;
      const problem = await this.#try(source);
      if (problem === null) return;
      problems.push(`${source.name}: ${problem}`);
    }
    if (this.#isClosed) return;
    this.#problem = problems.length === 0 ? 'no GPU on this machine' : problems.join('; ');
    this.#tell(problems.length === 0 ? 'debug' : 'warn', this.#problem);
    // Nothing that could ever answer is not asked for again.
    if (problems.length > 0) this.#later(this.#nextReopenMs(), () => void this.#choose());
  }

  /** What is wrong with it; null when it has become the one in use. */
  async #try(source: GpuSource): Promise<string | null> {
    const outcome = await this.#read(source);
    if (this.#isClosed) {
      source.close();
      return null;
    }
    if (typeof outcome === 'string' || outcome.gpus.length === 0) {
      source.close();
      return typeof outcome === 'string' ? outcome : 'it shows no GPU';
    }
    this.#source = source;
    this.#badInARow = 0;
    this.#problem = null;
    this.#take(outcome);
    const count = outcome.gpus.length;
    this.#tell('info', `${count} GPU${count === 1 ? '' : 's'} over ${source.name}`);
    this.#later(source.everyMs, () => void this.#tick(source));
    return null;
  }

  async #tick(source: GpuSource): Promise<void> {
    const outcome = await this.#read(source);
    if (this.#isClosed) return;
    const isBad = typeof outcome === 'string' || outcome.faults > 0;
    this.#badInARow = isBad ? this.#badInARow + 1 : 0;
    if (!isBad) {
      this.#problem = null;
      this.#reopenMs = REOPEN_MS_MIN;
    }
    if (typeof outcome === 'string') this.#problem = outcome;
    else this.#take(outcome);
    if (this.#badInARow >= FAULTS_MAX && this.#options.clock.monotonicMs() >= this.#reopenAtMs) {
      const why = typeof outcome === 'string' ? outcome : 'figures are missing';
      this.#tell('warn', `${source.name} is opened again: ${why}`);
      this.#counts.reopened += 1;
      this.#reopenAtMs = this.#options.clock.monotonicMs() + this.#nextReopenMs();
      this.#source = null;
      source.close();
      return this.#choose();
    }
    this.#later(source.everyMs, () => void this.#tick(source));
  }

  /** A reading, or what went wrong. Waits for as long as the source is busy, whatever that takes. */
  async #read(source: GpuSource): Promise<GpuReading | string> {
    const cancel = this.#options.after(READ_DEADLINE_MS, () => {
      this.#problem = `${source.name} does not answer`;
      this.#tell('warn', this.#problem);
    });
    try {
      const reading = await source.read();
      this.#counts.readings += 1;
      return reading;
    } catch (cause) {
      this.#counts.failures += 1;
      return cause instanceof Error ? cause.message : String(cause);
    } finally {
      cancel();
    }
  }

  #take({ driver, gpus, faults }: GpuReading): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#driver = driver;
    this.#samples = this.#meter.measure(gpus, nowMs);
    this.#sampledAtMs = nowMs;
    if (faults > 0) this.#problem = 'figures are missing';
    this.#options.onSample?.(this.#samples);
  }

  #nextReopenMs(): number {
    const delayMs = this.#reopenMs;
    this.#reopenMs = Math.min(this.#reopenMs * 2, REOPEN_MS_MAX);
    return delayMs;
  }

  #tell(level: 'debug' | 'info' | 'warn', message: string): void {
    if (this.#told === message) return;
    this.#told = message;
    this.#options.onChange?.(level, message);
  }

  #later(delayMs: number, run: () => void): void {
    if (!this.#isClosed) this.#cancel = this.#options.after(delayMs, run);
  }
}
