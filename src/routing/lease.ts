import { type FairAccount, outputCharge } from './fair-account.ts';
import type { ModelState } from './model-state.ts';
import type { Target } from './model-table.ts';
import type { ReplicaState } from './replica-state.ts';
import type { ChoiceReason, LeaseResult, ReplicaLease } from './scheduling.ts';

/** Who hears of places that have become free. */
export interface LeaseOwner {
  freed(lease: Lease, nowMs: number): void;
}

/** What a lease has taken, and gives back. */
export interface Taken {
  readonly state: ReplicaState;
  readonly model: ModelState;
  readonly account: FairAccount;
}

/** One place at one replica. */
export class Lease implements ReplicaLease {
  readonly target: Target;
  readonly reason: ChoiceReason;
  readonly queuedMs: number;
  readonly state: ReplicaState;
  readonly model: ModelState;
  readonly #account: FairAccount;
  readonly #owner: LeaseOwner;
  readonly #weight: number;
  readonly #startedMs: number;
  #prefillTokens: number;
  #outputTokens = 0;
  #hasFirstToken = false;
  #hasEnded = false;

  constructor(
    owner: LeaseOwner,
    { state, model, account }: Taken,
    choice: { readonly target: Target; readonly reason: ChoiceReason },
    facts: {
      readonly queuedMs: number;
      readonly nowMs: number;
      readonly weight: number;
      readonly prefillTokens: number;
    },
  ) {
    this.target = choice.target;
    this.reason = choice.reason;
    this.queuedMs = facts.queuedMs;
    this.state = state;
    this.model = model;
    this.#account = account;
    this.#owner = owner;
    this.#weight = facts.weight;
    this.#startedMs = facts.nowMs;
    this.#prefillTokens = facts.prefillTokens;
  }

  firstToken(nowMs: number): void {
    if (this.#hasFirstToken || this.#hasEnded) return;
    this.#hasFirstToken = true;
    this.#givePrefillBack();
    this.state.noteFirstToken(nowMs - this.#startedMs, nowMs);
  }

  output(tokens: number): void {
    // A counter that is no number would stand in nobody's order.
    if (!(tokens > 0 && tokens < Number.MAX_SAFE_INTEGER)) return;
    this.#outputTokens += tokens;
    this.#account.charge(outputCharge(tokens, this.#weight));
  }

  end(result: LeaseResult, nowMs: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#givePrefillBack();
    this.state.inFlight -= 1;
    this.model.inFlight -= 1;
    this.#account.release();
    if (result !== 'cancelled') this.state.noteEnd(result === 'failed', nowMs);
    if (result === 'ok' && this.#outputTokens > 0) this.model.noteOutput(this.#outputTokens);
    this.#owner.freed(this, nowMs);
  }

  #givePrefillBack(): void {
    this.state.prefillTokens -= this.#prefillTokens;
    this.#prefillTokens = 0;
  }
}
