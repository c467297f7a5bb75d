import type { Clock, RandomBytes } from '../core/clock.ts';
import type { Timers } from '../core/timers.ts';
import type { Log } from '../observe/log.ts';
import { Backoff } from './backoff.ts';
import { getBatchEnds } from './batch-ends.ts';
import { Bell } from './bell.ts';
import {
  type AuditBatch,
  type AuditReader,
  EXPORTED_CHAINS,
  type ExportCursors,
  type ExportedChain,
  type PerChain,
} from './record.ts';
import type { Sink } from './sink.ts';
import { SinkFailure } from './sink-failure.ts';

/** Rows of one batch, the most that is in memory for one sink. */
const BATCH_ROWS = 500;

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

/** Between two batches: a sink that has a million rows to catch up on must not use up a core. */
const REST_MS = 10;

/** How often the log is reminded of a sink that keeps failing. */
const REMIND_EVERY_MS = 3_600_000;

export interface PumpParts {
  readonly reader: AuditReader;
  readonly cursors: ExportCursors;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** What one sink has done since the gateway started. */
export interface SinkStats {
  readonly id: string;
  readonly type: Sink['type'];
  readonly rows: number;
  readonly batches: number;
  /** Reads and writes that failed. */
  readonly failures: number;
  /** Writes that repeated one. */
  readonly retries: number;
  /** Rows of both chains that the sink does not have yet. */
  readonly lagRows: number;
  /** null while all is well. */
  readonly failingSinceMs: number | null;
  readonly lastFailure: string | null;
  /** The last seq of each chain that the sink has. */
  readonly exported: PerChain;
}

/**
 * Moves rows to one sink, one batch at a time and in the order of each chain, for as long as it
 * lives. The cursor follows the sink: what happens in between happens again, nothing is left out.
 */
export class Pump {
  readonly #sink: Sink;
  readonly #parts: PumpParts;
  /** Rung when there are rows. */
  readonly #news: Bell;
  /** Rung when it is over: a failing sink waits its time out, however busy the gateway is. */
  readonly #end: Bell;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #exported: Record<ExportedChain, number>;
  /** Since when rows of a chain wait, on the monotonic clock. */
  readonly #waitingSinceMs = new Map<ExportedChain, number>();
  #heads: PerChain = { requests: 0, admin_events: 0, checkpoints: 0 };
  /** The batch that failed: the same again, so that an object is replaced and not doubled. */
  #held: AuditBatch | undefined;
  /** Rows of a batch: fewer for a sink that once refused so many. */
  #batchRows = BATCH_ROWS;
  /** The chain whose turn it was; the next one looks first. */
  #turn = 0;
  #isClosing = false;
  #rows = 0;
  #batches = 0;
  #failures = 0;
  #retries = 0;
  #failingSinceMs: number | null = null;
  #remindedAtMs = 0;
  #lastFailure: string | null = null;
  #cursorIsBehind = false;

  constructor(sink: Sink, parts: PumpParts) {
    this.#sink = sink;
    this.#parts = parts;
    this.#news = new Bell(parts.timers);
    this.#end = new Bell(parts.timers);
    const { random } = parts;
    this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: LAST_RETRY_MS, random });
    const at = (chain: ExportedChain) => parts.cursors.get(sink.id, chain);
    this.#exported = {
      requests: at('requests'),
      admin_events: at('admin_events'),
      checkpoints: at('checkpoints'),
    };
    this.#running = this.#run();
  }

  /** Tells how far the chains reach. */
  wake(heads: PerChain): void {
    this.#heads = heads;
    this.#news.ring();
  }

  exportedUpTo(chain: ExportedChain): number {
    return this.#exported[chain];
  }

  stats(): SinkStats {
    const behind = (chain: ExportedChain) =>
      Math.max(0, this.#heads[chain] - this.#exported[chain]);
    return {
      id: this.#sink.id,
      type: this.#sink.type,
      rows: this.#rows,
      batches: this.#batches,
      failures: this.#failures,
      retries: this.#retries,
      lagRows: behind('requests') + behind('admin_events'),
      failingSinceMs: this.#failingSinceMs,
      lastFailure: this.#lastFailure,
      exported: { ...this.#exported },
    };
  }

  /** Writes what is known to be there, a failing sink once more, and resolves when it is over. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#news.ring();
    this.#end.ring();
    await this.#running;
    await this.#sink.close();
  }

  /** Calls off what runs. A disk that hangs does not hear it. */
  abort(): void {
    this.#stop.abort();
    this.#news.ring();
    this.#end.ring();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const chain = this.#held?.chain ?? this.#findDueChain();
      if (chain === undefined) {
        if (this.#isClosing) return;
        await this.#news.wait(this.#idleMs());
        continue;
      }
      const waitMs = await this.#exportNext(chain).catch((cause: unknown) =>
        signal.aborted ? 0 : this.#fail(chain, cause),
      );
      if (!this.#isClosing) await this.#end.wait(waitMs);
      else if (this.#backoff.failures > 0) return;
    }
  }

  /** How long to wait before the next batch. */
  async #exportNext(chain: ExportedChain): Promise<number> {
    if (this.#held !== undefined) this.#retries += 1;
    const batch = this.#held ?? (await this.#read(chain));
    if (batch === undefined) return 0;
    this.#held = batch;
    await this.#sink.write(batch, this.#stop.signal);
    // Nobody waits for a pump that was called off, and the books may be closed.
    if (this.#stop.signal.aborted) return 0;
    this.#held = undefined;
    this.#rows += batch.records.length;
    this.#batches += 1;
    this.#moveTo(chain, getBatchEnds(batch).last.seq);
    this.#recover();
    return REST_MS;
  }

  async #read(chain: ExportedChain): Promise<AuditBatch | undefined> {
    const afterSeq = this.#exported[chain];
    const head = this.#heads[chain];
    const records = await this.#parts.reader.read(chain, afterSeq, this.#batchRows);
    if (records.length > 0) return { chain, records };
    // There was a head and there are no rows: they were purged.
    this.#moveTo(chain, head);
    return undefined;
  }

  #moveTo(chain: ExportedChain, seq: number): void {
    this.#exported[chain] = seq;
    this.#waitingSinceMs.delete(chain);
    try {
      this.#parts.cursors.move(this.#sink.id, chain, seq);
      this.#cursorIsBehind = false;
    } catch (cause) {
      // Rows go on; the next move says the same and more. A restart before it repeats some.
      if (!this.#cursorIsBehind) {
        this.#parts.log.warn('export_cursor_not_written', { sink: this.#sink.id, cause });
      }
      this.#cursorIsBehind = true;
    }
  }

  #findDueChain(): ExportedChain | undefined {
    const nowMs = this.#parts.clock.monotonicMs();
    for (let step = 1; step <= EXPORTED_CHAINS.length; step += 1) {
      const turn = (this.#turn + step) % EXPORTED_CHAINS.length;
      const chain = EXPORTED_CHAINS[turn];
      if (chain === undefined || !this.#isDue(chain, nowMs)) continue;
      this.#turn = turn;
      return chain;
    }
    return undefined;
  }

  #isDue(chain: ExportedChain, nowMs: number): boolean {
    const rows = this.#heads[chain] - this.#exported[chain];
    if (rows <= 0) return false;
    const sinceMs = this.#waitingSinceMs.get(chain) ?? nowMs;
    this.#waitingSinceMs.set(chain, sinceMs);
    return this.#isClosing || rows >= this.#batchRows || nowMs - sinceMs >= this.#sink.gatherMs;
  }

  #idleMs(): number {
    const sinceMs = Math.min(...this.#waitingSinceMs.values());
    return sinceMs + this.#sink.gatherMs - this.#parts.clock.monotonicMs();
  }

  /** How long to wait. */
  #fail(chain: ExportedChain, cause: unknown): number {
    const failure = cause instanceof SinkFailure ? cause : undefined;
    if (failure?.kind === 'batch_too_large') this.#halve();
    this.#failures += 1;
    this.#lastFailure = cause instanceof Error ? cause.message : String(cause);
    const waitMs = this.#backoff.fail(failure?.retryAfterMs);
    const nowMs = this.#parts.clock.nowMs();
    this.#failingSinceMs ??= nowMs;
    if (this.#backoff.failures === 1 || nowMs - this.#remindedAtMs >= REMIND_EVERY_MS) {
      this.#remindedAtMs = nowMs;
      const { id, lagRows, failures } = this.stats();
      const fields = { sink: id, chain, lag_rows: lagRows, failures, cause };
      this.#parts.log.warn('export_failing', fields);
    }
    return waitMs;
  }

  #halve(): void {
    if (this.#held === undefined || this.#held.records.length < 2) return;
    const { chain, records } = this.#held;
    this.#batchRows = Math.ceil(records.length / 2);
    this.#held = { chain, records: records.slice(0, this.#batchRows) };
  }

  #recover(): void {
    if (this.#failingSinceMs !== null) {
      const failedForMs = this.#parts.clock.nowMs() - this.#failingSinceMs;
      const fields = { sink: this.#sink.id, failed_for_ms: failedForMs };
      this.#parts.log.info('export_recovered', fields);
    }
    this.#failingSinceMs = null;
    this.#backoff.succeed();
  }
}
