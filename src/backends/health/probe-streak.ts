import type { ProbeResult } from './probe.ts';

/** What the probes of a backend add up to. */
export type ProbedState = 'unknown' | 'up' | 'warming' | 'down';

export interface StreakSettings {
  /** Probes in a row that make a backend down, and up again. */
  readonly downAfter: number;
  readonly upAfter: number;
}

/** Turns single probes, which may lie, into a state that changes only for good reason. */
export class ProbeStreak {
  state: ProbedState = 'unknown';
  #good = 0;
  #bad = 0;
  /** It was well, and has not gone away since: what it says now is not the start of an engine. */
  #wasWell = false;
  /** It has had a health endpoint. */
  #hasEndpoint = false;

  /** The next probe may change the state, so it is worth an early one. */
  get isUnsettled(): boolean {
    const { state } = this;
    return state === 'warming' || (state === 'down' ? this.#good > 0 : this.#bad > 0);
  }

  take(kind: ProbeResult['kind'], settings: StreakSettings): void {
    switch (kind) {
      case 'ok':
        this.#takeGood(settings);
        return;
      case 'loading':
        this.#good = 0;
        this.#bad = 0;
        this.state = 'warming';
        return;
      case 'unavailable':
        // An engine that starts, or one that has died: the first until it was well once.
        if (!this.#wasWell) this.take('loading', settings);
        else if (!this.#takeBad(settings)) this.state = 'warming';
        return;
      case 'missing':
        // Without such an endpoint only requests show its health.
        if (this.#hasEndpoint) this.#takeBad(settings);
        else this.state = 'unknown';
        return;
      case 'unreachable':
        this.#takeBad(settings);
        this.#wasWell = false;
        return;
      case 'failed':
        this.#takeBad(settings);
    }
  }

  /** It is known to be up by other means. */
  comeUp(): void {
    this.state = 'up';
    this.#good = 0;
    this.#bad = 0;
    this.#wasWell = true;
  }

  forget(): void {
    this.state = 'unknown';
    this.#good = 0;
    this.#bad = 0;
    this.#wasWell = false;
    this.#hasEndpoint = false;
  }

  #takeGood({ upAfter }: StreakSettings): void {
    this.#hasEndpoint = true;
    this.#bad = 0;
    this.#good++;
    if (this.state === 'down' && this.#good < upAfter) return;
    this.comeUp();
  }

  /** True when it is down now. */
  #takeBad({ downAfter }: StreakSettings): boolean {
    this.#good = 0;
    this.#bad++;
    if (this.#bad >= downAfter) this.state = 'down';
    return this.state === 'down';
  }
}
