import type { Clock, RandomBytes } from '../core/clock.ts';
import { systemTimers, type Timers } from '../core/timers.ts';
import type { Log } from '../observe/log.ts';
import { Pump, type SinkStats } from './pump.ts';
import type { AuditReader, ExportCursors, ExportedChain } from './record.ts';
import type { Sink } from './sink.ts';

const POLL_EVERY_MS = 1_000;

/** However often it is nudged, the chains are asked for their ends no more often than this. */
const POLL_AT_MOST_EVERY_MS = 100;

/** What `close` takes at most. */
const FLUSH_DEADLINE_MS = 5_000;

export interface ExporterOptions {
  readonly sinks: readonly Sink[];
  readonly reader: AuditReader;
  readonly cursors: ExportCursors;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly timers?: Timers;
}

/** Copies the audit trail to every sink, each at its own pace. */
export interface Exporter {
  /** Rows were written: look for them soon. Cheap enough for every commit. */
  nudge(): void;
  stats(): ExporterStats;
  /** What every sink has of a chain; Infinity without sinks. Rows after it must not be deleted. */
  exportedUpTo(chain: ExportedChain): number;
  /** Writes what is left, for 5 s at most. Safe to call twice. */
  close(): Promise<void>;
}

export interface ExporterStats {
  readonly sinks: readonly SinkStats[];
  /** Times that the ends of the chains could not be asked for. */
  readonly readFailures: number;
}

export function createExporter(options: ExporterOptions): Exporter {
  return new PolledExporter(options);
}

class PolledExporter implements Exporter {
  readonly #options: ExporterOptions;
  readonly #timers: Timers;
  readonly #pumps: readonly Pump[];
  #cancelPoll = () => {};
  #polling: Promise<void> | undefined;
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #isNudged = false;
  #readFailures = 0;
  #isBlind = false;
  #closing: Promise<void> | undefined;

  constructor(options: ExporterOptions) {
    const { sinks, timers = systemTimers } = options;
    this.#options = options;
    this.#timers = timers;
    this.#pumps = sinks.map((sink) => new Pump(sink, { ...options, timers }));
    if (this.#pumps.length > 0) this.#startPoll();
  }

  nudge(): void {
    if (this.#isNudged || this.#closing !== undefined || this.#pumps.length === 0) return;
    this.#isNudged = true;
    if (this.#polling === undefined) this.#schedule();
  }

  stats(): ExporterStats {
    const sinks = this.#pumps.map((pump) => pump.stats());
    return { sinks, readFailures: this.#readFailures };
  }

  exportedUpTo(chain: ExportedChain): number {
    return Math.min(...this.#pumps.map((pump) => pump.exportedUpTo(chain)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelPoll();
    const patience = Promise.withResolvers<void>();
    const cancel = this.#timers.after(FLUSH_DEADLINE_MS, () => {
      for (const pump of this.#pumps) pump.abort();
      patience.resolve();
    });
    await Promise.race([this.#flush(), patience.promise]);
    cancel();
  }

  async #flush(): Promise<void> {
    // The poll under way may have looked before the last rows were written.
    await this.#polling;
    if (this.#pumps.length > 0) await this.#poll();
    const left = await Promise.allSettled(this.#pumps.map((pump) => pump.close()));
    for (const result of left) {
      if (result.status === 'rejected') {
        this.#options.log.warn('export_not_closed', { cause: result.reason });
      }
    }
  }

  #schedule(): void {
    this.#cancelPoll();
    const everyMs = this.#isNudged ? POLL_AT_MOST_EVERY_MS : POLL_EVERY_MS;
    const sinceMs = this.#options.clock.monotonicMs() - this.#polledAtMs;
    this.#cancelPoll = this.#timers.after(Math.max(0, everyMs - sinceMs), () => this.#startPoll());
  }

  #startPoll(): void {
    this.#polling = this.#poll().finally(() => {
      this.#polling = undefined;
      if (this.#closing === undefined) this.#schedule();
    });
  }

  /** Never rejects. */
  async #poll(): Promise<void> {
    const { reader, log, clock } = this.#options;
    this.#isNudged = false;
    this.#polledAtMs = clock.monotonicMs();
    try {
      const heads = await reader.heads();
      for (const pump of this.#pumps) pump.wake(heads);
      if (this.#isBlind) log.info('export_reading_recovered');
      this.#isBlind = false;
    } catch (cause) {
      this.#readFailures += 1;
      if (!this.#isBlind) log.warn('export_reading_failed', { cause });
      this.#isBlind = true;
    }
  }
}
