import { RollingShare } from '../../routing/rolling-share.ts';
import type { BreakerState } from './health.ts';

export interface BreakerSettings {
  /** Part of failed attempts that opens it, 0 to 1. */
  readonly errorRate: number;
  /** Attempts before the rate may open it. */
  readonly minAttempts: number;
  readonly windowMs: number;
  /** First time that it stays open; doubles up to ten times as long. */
  readonly openMs: number;
}

/** So many failures in a row open it whatever the rate: a dead backend is not asked twenty times. */
const FAILURES_IN_A_ROW = 5;
const LONGEST_FACTOR = 10;
const GOOD_TRIALS = 2;

/**
 * Keeps requests away from a backend that fails them. Closed: all pass. Open: none. Half open: one
 * at a time, and two good ones close it. It has no timer: what it is depends on when it is asked.
 */
export class Breaker {
  /** How often it opened. */
  opened = 0;
  #settings: BreakerSettings;
  readonly #random: () => number;
  #window: RollingShare;
  #inARow = 0;
  /** Whether all of those could not even connect. */
  #unreachable = true;
  /** null: closed. Before it: open. From then on: half open. */
  #openUntilMs: number | null = null;
  #openedMs = 0;
  /** Times it opened since it was closed. */
  #level = 0;
  #goodTrials = 0;
  /** Trials whose success was counted before their end. */
  #countedTrials = 0;
  /** A trial is out until then; one that says nothing does not block the next for longer. */
  #trialUntilMs = Number.NEGATIVE_INFINITY;

  /** `random`: 0 up to 1, exclusive. */
  constructor(settings: BreakerSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#window = new RollingShare(settings.windowMs);
  }

  replaceSettings(settings: BreakerSettings): void {
    if (settings.windowMs !== this.#settings.windowMs) {
      this.#window = new RollingShare(settings.windowMs);
    }
    this.#settings = settings;
  }

  state(nowMs: number): BreakerState {
    if (this.#openUntilMs === null) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half_open';
  }

  allows(nowMs: number): boolean {
    if (this.#openUntilMs === null) return true;
    return nowMs >= this.#openUntilMs && nowMs >= this.#trialUntilMs;
  }

  /** Open because of what the backend answered, not because it could not be reached. */
  isAnswering(nowMs: number): boolean {
    return this.state(nowMs) === 'open' && !this.#unreachable;
  }

  /** When its answer changes although nothing happens; Infinity for never. */
  changesAtMs(nowMs: number): number {
    if (this.#openUntilMs === null) return Number.POSITIVE_INFINITY;
    if (nowMs < this.#openUntilMs) return this.#openUntilMs;
    return nowMs < this.#trialUntilMs ? this.#trialUntilMs : Number.POSITIVE_INFINITY;
  }

  /** Part of the latest requests that failed, 0 to 1; 1 while it is not closed. */
  failingShare(nowMs: number): number {
    if (this.#openUntilMs !== null) return 1;
    this.#window.moveTo(nowMs);
    const { part, whole } = this.#window;
    return whole === 0 ? 0 : part / whole;
  }

  /** A request is being sent. */
  begin(nowMs: number): void {
    if (this.state(nowMs) === 'half_open') {
      this.#trialUntilMs = nowMs + Math.max(1_000, this.#settings.openMs);
    }
  }

  /** A request got its first content. What is still to come may take minutes. */
  answered(nowMs: number): void {
    if (this.state(nowMs) !== 'half_open') return;
    this.#countedTrials++;
    this.#passTrial();
  }

  /** A request ended well, or by its own fault. */
  succeeded(nowMs: number): void {
    const state = this.state(nowMs);
    if (state === 'closed') {
      this.#inARow = 0;
      this.#window.moveTo(nowMs);
      this.#window.add(0, 1);
    } else if (state === 'half_open') {
      if (this.#countedTrials > 0) this.#countedTrials--;
      else this.#passTrial();
    } // While it is open this is the end of something older.
  }

  /** `unreachable`: no connection could be made. */
  failed(nowMs: number, unreachable: boolean): void {
    const state = this.state(nowMs);
    if (state === 'open') return;
    if (state === 'half_open') {
      this.#unreachable = unreachable;
      this.#open(nowMs);
      return;
    }
    this.#unreachable = unreachable && (this.#inARow === 0 || this.#unreachable);
    this.#inARow++;
    this.#window.moveTo(nowMs);
    this.#window.add(1, 1);
    const { minAttempts, errorRate } = this.#settings;
    const { part, whole } = this.#window;
    const isTooMany = whole >= minAttempts && part >= errorRate * whole;
    if (isTooMany || this.#inARow >= FAILURES_IN_A_ROW) this.#open(nowMs);
  }

  /** A request ended and said nothing of the backend. */
  passed(): void {
    // The end of a trial that has counted already: the next one may be out.
    if (this.#countedTrials > 0) this.#countedTrials--;
    else this.#trialUntilMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * A probe that began at `sinceMs` found the backend well. When it was only out of reach that is
   * all there was to know, and it closes at once. Errors of requests a probe does not see.
   */
  reached(sinceMs: number): void {
    if (this.#openUntilMs !== null && this.#unreachable && sinceMs >= this.#openedMs) this.close();
  }

  /** Opens it for what was learned elsewhere. */
  trip(nowMs: number): void {
    if (this.#openUntilMs !== null) return;
    this.#unreachable = true;
    this.#open(nowMs);
  }

  close(): void {
    this.#openUntilMs = null;
    this.#level = 0;
    this.#inARow = 0;
    this.#unreachable = true;
    this.#window.clear();
    this.#startTrials();
  }

  #passTrial(): void {
    this.#trialUntilMs = Number.NEGATIVE_INFINITY;
    this.#goodTrials++;
    if (this.#goodTrials >= GOOD_TRIALS) this.close();
  }

  #open(nowMs: number): void {
    const factor = Math.min(2 ** this.#level, LONGEST_FACTOR);
    const durationMs = this.#settings.openMs * factor * (1 + 0.2 * this.#random());
    this.#level++;
    this.opened++;
    this.#openedMs = nowMs;
    this.#openUntilMs = nowMs + durationMs;
    this.#inARow = 0;
    this.#startTrials();
  }

  #startTrials(): void {
    this.#goodTrials = 0;
    this.#countedTrials = 0;
    this.#trialUntilMs = Number.NEGATIVE_INFINITY;
  }
}
