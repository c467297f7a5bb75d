import type { Clock } from '../../core/clock.ts';
import type { EngineLoad, Replica } from '../../routing/replica.ts';
import type { ProcessState } from '../process/engine-processes.ts';
import { Breaker } from './breaker.ts';
import type {
  AttemptVerdict,
  HealthSettings,
  HealthSpec,
  HealthState,
  HealthView,
} from './health.ts';
import type { ProbeResult } from './probe.ts';
import { ProbeStreak } from './probe-streak.ts';

export interface BackendHealthOptions {
  readonly clock: Clock;
  /** 0 up to 1, exclusive. */
  readonly random: () => number;
  /** null: llmgate does not run it. */
  readonly processState: (id: string) => ProcessState | null;
}

/** A request was told that the model is being loaded: believed for so long without a probe. */
const WARMING_MS = 2_000;
/** A 429 or an overload without a time. */
const BUSY_MS = 250;
/** Nobody is waited for longer, whatever it asks. */
const COOLING_MAX_MS = 600_000;
/** A wait this short is worth a place in line; for a longer one callers get their answer now. */
const SHORT_MS = 5_000;
/** Load older than so many intervals is no longer believed. */
const STALE_INTERVALS = 3;
const SMALLEST_SHARE = 0.1;

/** All that is known of one backend's health, from probes, attempts, its process and operators. */
export class BackendHealth implements Replica {
  spec: HealthSpec;
  isDrained = false;
  readonly breaker: Breaker;
  readonly #options: BackendHealthOptions;
  #settings: HealthSettings;
  readonly #streak = new ProbeStreak();
  #answered = false;
  #process: ProcessState | null = null;
  #warmingUntilMs = Number.NEGATIVE_INFINITY;
  #coolUntilMs = Number.NEGATIVE_INFINITY;
  /** It was not up, so its return is a slow one. */
  #wasAway = false;
  #backSinceMs = Number.NEGATIVE_INFINITY;
  #load: EngineLoad | null = null;
  #loadMs = Number.NEGATIVE_INFINITY;
  #checkedAtMs: number | null = null;
  #failures = 0;
  #problem: string | null = null;

  constructor(spec: HealthSpec, settings: HealthSettings, options: BackendHealthOptions) {
    this.spec = spec;
    this.#settings = settings;
    this.#options = options;
    this.breaker = new Breaker(settings.breaker, options.random);
  }

  get id(): string {
    return this.spec.backend.id;
  }

  get maxConcurrency(): number | null {
    return this.spec.maxConcurrency;
  }

  get isComing(): boolean {
    if (this.isDrained) return false;
    const nowMs = this.#options.clock.monotonicMs();
    const state = this.state(nowMs);
    if (state === 'warming') return this.#processState() !== 'starting';
    if (state === 'down' && this.#isDownByProbes) return false;
    if (state === 'down') return this.breaker.state(nowMs) === 'half_open';
    const coolingMs = this.#coolUntilMs - nowMs;
    if (coolingMs > 0) return coolingMs <= SHORT_MS;
    return this.breaker.state(nowMs) === 'half_open';
  }

  /** The next probe may change what is thought of it. */
  get isUnsettled(): boolean {
    return this.#streak.isUnsettled;
  }

  /** There is something to ask: a backend of others, or a process that runs. */
  get isAskable(): boolean {
    const process = this.#processState();
    return process === null || process === 'ready';
  }

  accepts(nowMs: number): boolean {
    if (this.isDrained) return false;
    const process = this.#processState();
    // Whoever sends a request there starts it, or waits until it has stopped.
    if (process === 'stopped' || process === 'stopping') return true;
    if (process === 'starting') return false;
    if (nowMs < this.#warmingUntilMs || nowMs < this.#coolUntilMs) return false;
    if (process !== 'failed') {
      const { state } = this.#streak;
      if (state === 'down' || state === 'warming') return false;
    }
    return this.breaker.allows(nowMs);
  }

  /** No request is tried there, whatever its breaker says: only a good probe brings it back. */
  get #isDownByProbes(): boolean {
    return this.#streak.state === 'down' && this.#processState() !== 'failed';
  }

  /**
   * A process that is being started: its own line has its own bounds. And what is behind a breaker
   * that opened on answers, not on silence: half a vendor beats none.
   */
  isLastResort(nowMs: number): boolean {
    if (!this.isDrained && this.#processState() === 'starting') return true;
    if (this.isDrained || nowMs < this.#warmingUntilMs || nowMs < this.#coolUntilMs) return false;
    if (this.#processState() === 'failed' || this.#streak.state === 'down') return false;
    return this.breaker.isAnswering(nowMs);
  }

  engineLoad(nowMs: number): EngineLoad | null {
    const isFresh = nowMs - this.#loadMs <= STALE_INTERVALS * this.#settings.loadIntervalMs;
    return isFresh ? this.#load : null;
  }

  share(nowMs: number): number {
    const { slowStartMs } = this.#settings;
    const part = slowStartMs > 0 ? (nowMs - this.#backSinceMs) / slowStartMs : 1;
    return part >= 1 ? 1 : SMALLEST_SHARE + (1 - SMALLEST_SHARE) * Math.max(0, part);
  }

  state(nowMs: number): HealthState {
    const process = this.#processState();
    if (process === 'stopped' || process === 'stopping') return 'stopped';
    if (process === 'starting') return 'warming';
    if (process === 'failed') return 'down';
    if (nowMs < this.#warmingUntilMs) return 'warming';
    const { state } = this.#streak;
    if (state !== 'unknown') return state;
    // Nothing but requests shows how it is.
    if (this.breaker.state(nowMs) !== 'closed') return 'down';
    return this.#answered ? 'up' : 'unknown';
  }

  view(nowMs: number): HealthView {
    const state = this.state(nowMs);
    const breaker = this.breaker.state(nowMs);
    const coolingMs = Math.max(0, this.#coolUntilMs - nowMs);
    const isWell = (state === 'up' || state === 'unknown') && breaker === 'closed';
    return {
      id: this.id,
      state,
      isDrained: this.isDrained,
      breaker,
      accepts: this.accepts(nowMs),
      share: this.share(nowMs),
      coolingMs,
      problem: isWell && coolingMs === 0 ? null : this.#problem,
      checkedAtMs: this.#checkedAtMs,
      load: this.engineLoad(nowMs),
      failures: this.#failures,
      breakerOpened: this.breaker.opened,
    };
  }

  /** When `accepts` or `state` may change although nothing happens; Infinity for never. */
  changesAtMs(nowMs: number): number {
    let atMs = this.breaker.changesAtMs(nowMs);
    if (this.#warmingUntilMs > nowMs) atMs = Math.min(atMs, this.#warmingUntilMs);
    if (this.#coolUntilMs > nowMs) atMs = Math.min(atMs, this.#coolUntilMs);
    return atMs;
  }

  // ── What was learned ───────────────────────────────────────────────────────────────────────────

  note(verdict: AttemptVerdict, nowMs: number, retryAfterMs?: number): void {
    if (verdict === 'cancelled') {
      this.breaker.passed();
      return;
    }
    this.#checkedAtMs = this.#options.clock.nowMs();
    switch (verdict) {
      case 'ok':
        this.#warmingUntilMs = Number.NEGATIVE_INFINITY;
        this.#takeGood(nowMs);
        return;
      case 'refused':
        this.#takeGood(nowMs);
        return;
      case 'busy':
        this.#problem = 'it asked to be left alone';
        this.#coolUntilMs = Math.max(this.#coolUntilMs, nowMs + coolingMs(retryAfterMs));
        // It answers, which is all that a trial asks.
        if (this.breaker.state(nowMs) === 'half_open') this.#takeGood(nowMs);
        return;
      case 'warming':
        this.breaker.passed();
        this.#warmingUntilMs = nowMs + WARMING_MS;
        this.#problem = 'loading its model';
        this.#wasAway = true;
        return;
      default:
        this.#failures++;
        this.#takeFailure(nowMs, verdict === 'unreachable');
    }
  }

  /** An attempt has got its first content. */
  answered(nowMs: number): void {
    const wasOpen = this.breaker.state(nowMs) !== 'closed';
    if (!wasOpen) return;
    this.breaker.answered(nowMs);
    if (this.breaker.state(nowMs) === 'closed') this.#comeBack(nowMs);
  }

  /** `sinceMs`: when the probe began. */
  probed(result: ProbeResult, sinceMs: number, nowMs: number): void {
    this.#checkedAtMs = this.#options.clock.nowMs();
    const before = this.#streak.state;
    this.#streak.take(result.kind, this.#settings);
    if (result.problem !== null) this.#problem = result.problem;
    const { state } = this.#streak;
    if (state === 'down' || state === 'warming') this.#wasAway = true;
    if (result.kind === 'ok') this.#warmingUntilMs = Number.NEGATIVE_INFINITY;
    if (state !== 'up') return;
    if (result.kind === 'ok') this.breaker.reached(sinceMs);
    if (before !== 'up') this.#comeBack(nowMs);
  }

  loaded(load: EngineLoad, nowMs: number): boolean {
    const before = this.engineLoad(nowMs);
    this.#load = load;
    this.#loadMs = nowMs;
    return (
      before?.running !== load.running ||
      before.waiting !== load.waiting ||
      before.kvUsed !== load.kvUsed
    );
  }

  /** Looks at the process; a new one knows nothing of the faults of the last. */
  followProcess(nowMs: number): void {
    const process = this.#processState();
    if (process === this.#process) return;
    this.#process = process;
    if (process === null) return;
    if (process === 'failed') {
      this.#problem = 'its process could not be started or has crashed';
      this.breaker.trip(nowMs);
      return;
    }
    this.breaker.close();
    this.#warmingUntilMs = Number.NEGATIVE_INFINITY;
    this.#coolUntilMs = Number.NEGATIVE_INFINITY;
    this.#wasAway = false;
    this.#loadMs = Number.NEGATIVE_INFINITY;
    if (process === 'ready') this.#streak.comeUp();
    else {
      this.#streak.forget();
      this.#problem = process === 'starting' ? 'its process is being started' : 'not started';
    }
  }

  /** What a reload says. */
  replace(spec: HealthSpec, settings: HealthSettings): void {
    if (spec.healthPath !== this.spec.healthPath) this.#streak.forget();
    if (spec.metricsPath !== this.spec.metricsPath) this.#loadMs = Number.NEGATIVE_INFINITY;
    this.spec = spec;
    this.#settings = settings;
    this.breaker.replaceSettings(settings.breaker);
  }

  #processState(): ProcessState | null {
    return this.spec.isManaged ? this.#options.processState(this.id) : null;
  }

  #takeGood(nowMs: number): void {
    this.#answered = true;
    const wasOpen = this.breaker.state(nowMs) !== 'closed';
    this.breaker.succeeded(nowMs);
    if (wasOpen && this.breaker.state(nowMs) === 'closed') this.#comeBack(nowMs);
  }

  #takeFailure(nowMs: number, unreachable: boolean): void {
    const opened = this.breaker.opened;
    this.breaker.failed(nowMs, unreachable);
    if (this.breaker.opened === opened) return;
    this.#wasAway = true;
    this.#problem = unreachable ? 'no connection could be made' : 'too many requests failed';
  }

  /** Slowly, unless the gateway has never seen it away. */
  #comeBack(nowMs: number): void {
    if (this.#wasAway) this.#backSinceMs = nowMs;
    this.#wasAway = false;
  }
}

function coolingMs(retryAfterMs = BUSY_MS): number {
  return Math.min(Math.max(0, retryAfterMs), COOLING_MAX_MS);
}
