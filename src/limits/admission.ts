import type { Clock } from '../core/clock.ts';
import type { Plan } from './plan.ts';
import { NO_LIMITS, type RateStanding, standingOf } from './standing.ts';

/** What one admitted request has taken from its limits. The first of settle and cancel counts. */
export interface Admission {
  /** How the limits stand now, this request included. */
  readonly standing: RateStanding;
  /** Gives back the slot and corrects the charge for tokens to what was used. */
  settle(actualTokens: number): void;
  /** Gives back everything: a refused request costs nothing. */
  cancel(): void;
}

/** The admission of a request that no limit applies to. Shared: it has nothing to give back. */
export const UNLIMITED: Admission = { standing: NO_LIMITS, settle() {}, cancel() {} };

/** An admission that holds something of every counter in its plan. */
export class LimitedAdmission implements Admission {
  readonly #plan: Plan;
  readonly #tokens: number;
  readonly #clock: Clock;
  #open = true;

  /** Takes from every counter. The caller has checked that all of them allow it. */
  constructor(plan: Plan, tokens: number, clock: Clock) {
    this.#plan = plan;
    this.#tokens = tokens;
    this.#clock = clock;
    for (const bucket of plan.requests) bucket.take(1);
    for (const bucket of plan.tokens) bucket.take(tokens);
    for (const slots of plan.slots) slots.inFlight += 1;
  }

  get standing(): RateStanding {
    return standingOf(this.#plan, this.#clock.monotonicMs());
  }

  settle(actualTokens: number): void {
    this.#giveBack(0, this.#tokens - Math.max(0, actualTokens));
  }

  cancel(): void {
    this.#giveBack(1, this.#tokens);
  }

  #giveBack(requests: number, tokens: number): void {
    if (!this.#open) return;
    this.#open = false;
    const nowMs = this.#clock.monotonicMs();
    for (const bucket of this.#plan.requests) bucket.giveBack(requests, nowMs);
    for (const bucket of this.#plan.tokens) bucket.giveBack(tokens, nowMs);
    for (const slots of this.#plan.slots) slots.inFlight -= 1;
  }
}
