import { DecayingSum } from './decaying-sum.ts';
import { MovingAverage } from './moving-average.ts';
import type { EngineLoad, Replica } from './replica.ts';
import type { SharingPool } from './sharing-pool.ts';

/** Used part of a KV cache above which an engine starts to preempt what it has begun. */
const FULL_KV = 0.9;
const TTFT_LIFE_MS = 30_000;
const FAILURE_LIFE_MS = 30_000;
const RECENT_LIFE_MS = 600_000;
/** Samples of doubt: a little, so that an old first token time fades only once it is old. */
const TTFT_DOUBT = 0.05;
/** One failure after a silence is a third, not all. */
const FAILURE_DOUBT = 2;

/** What the scheduler itself knows of a replica, and what it makes of the engine's word. */
export class ReplicaState {
  readonly id: string;
  /** Its number in the prefix index. */
  readonly slot: number;
  /** Those it competes with for requests. */
  pool: SharingPool;
  inFlight = 0;
  /** Prompt tokens sent there that have no first token yet, less what its cache should hold. */
  prefillTokens = 0;
  /** As of the last `look`: no more than this may be in flight; infinite without a bound. */
  places = Number.POSITIVE_INFINITY;
  /** As of the last `look`: an engine that has too much, although it may have a place. */
  isSaturated = false;
  readonly #ttft = new MovingAverage(TTFT_LIFE_MS);
  readonly #failures = new MovingAverage(FAILURE_LIFE_MS);
  readonly #recentTokens = new DecayingSum(RECENT_LIFE_MS);
  #report: EngineLoad | null = null;
  /** Requests in the engine that are not ours, as of its last report. */
  #foreign = 0;
  /** The engine has said that it is full, and not yet that it is not. */
  #isBoundedByEngine = false;

  constructor(id: string, slot: number, pool: SharingPool) {
    this.id = id;
    this.slot = slot;
    this.pool = pool;
  }

  /** Requests in the engine: ours as of now, others' as of its last report. */
  get busy(): number {
    return this.inFlight + this.#foreign;
  }

  get ttftMs(): number | null {
    return this.#ttft.mean();
  }

  failureRate(nowMs: number): number {
    return this.#failures.doubted(FAILURE_DOUBT, nowMs);
  }

  /** An old measurement fades, so that it is tried again; 0 before the first. */
  expectedTtftMs(nowMs: number): number {
    return this.#ttft.doubted(TTFT_DOUBT, nowMs);
  }

  /** Prompt tokens that it was given to read in the last ten minutes or so. */
  recentTokens(nowMs: number): number {
    return this.#recentTokens.at(nowMs);
  }

  noteRead(tokens: number, nowMs: number): void {
    this.#recentTokens.add(tokens, nowMs);
  }

  noteFirstToken(ttftMs: number, nowMs: number): void {
    this.#ttft.add(ttftMs, nowMs);
  }

  noteEnd(hasFailed: boolean, nowMs: number): void {
    this.#failures.add(hasFailed ? 1 : 0, nowMs);
  }

  /**
   * Takes in what is said about the replica now. Without a configured bound an engine gets none
   * until it reports a full queue of its own; from then on as many as it runs and `engineQueue`
   * more, until its queue has emptied and nobody waits here: a report of a short queue must not
   * let a whole line go at once.
   */
  look(replica: Replica, engineQueue: number, nowMs: number): void {
    const report = replica.engineLoad(nowMs);
    if (report !== this.#report) this.#takeReport(report);
    if (report === null) {
      this.places = replica.maxConcurrency ?? Number.POSITIVE_INFINITY;
      this.isSaturated = false;
      return;
    }
    const { running, waiting, kvUsed } = report;
    this.isSaturated = (kvUsed !== null && kvUsed > FULL_KV) || waiting > engineQueue;
    if (replica.maxConcurrency !== null) {
      this.places = replica.maxConcurrency;
      return;
    }
    if (waiting >= Math.max(1, engineQueue)) this.#isBoundedByEngine = true;
    else if (waiting === 0 && this.pool.waiting === 0) this.#isBoundedByEngine = false;
    // What others have in the engine takes places from us, but never the last one: another gateway
    // that refills the engine at once would leave us none for ever.
    this.places = this.#isBoundedByEngine
      ? Math.max(1, running + engineQueue - this.#foreign)
      : Number.POSITIVE_INFINITY;
  }

  get hasPlace(): boolean {
    return this.inFlight < this.places;
  }

  #takeReport(report: EngineLoad | null): void {
    this.#report = report;
    this.#foreign =
      report === null ? 0 : Math.max(0, report.running + report.waiting - this.inFlight);
    if (report === null) this.#isBoundedByEngine = false;
  }
}
