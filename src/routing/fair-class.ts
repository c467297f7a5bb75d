import { FairAccount } from './fair-account.ts';
import type { Lane } from './lane.ts';

/** Accounts that are kept without a look; then those that nobody misses are forgotten. */
const ACCOUNTS_BEFORE_SWEEP = 1_024;
/** With so many at a look every idle one is forgotten, whatever it was served. */
const MOST_ACCOUNTS = 65_536;

/**
 * One priority class of a pool: virtual token counters (Sheng et al., "Fairness in Serving Large
 * Language Models", OSDI'24). The subject that was served least is served next; one that comes
 * back from a pause is lifted to where the others are, so that nobody saves up. Classes count apart:
 * one that starves a lower class would otherwise be overtaken in its own by who waits there.
 */
export class FairClass {
  readonly priority: number;
  /** By model and candidates: jobs of one lane can be placed where any other of it can. */
  readonly lanes = new Map<string, Lane>();
  readonly #accounts = new Map<string, FairAccount>();
  /** Who was given a place last. */
  #latest: FairAccount | null = null;
  #floor = 0;
  #sweepAt = ACCOUNTS_BEFORE_SWEEP;

  constructor(priority: number) {
    this.priority = priority;
  }

  get accounts(): number {
    return this.#accounts.size;
  }

  /**
   * The account of a subject that has just asked. One with nothing in line is lifted to the least
   * served of those in the lane it enters or, when nobody waits there, to who was served last.
   */
  arrive(subject: string, lane: Lane | undefined): FairAccount {
    let account = this.#accounts.get(subject);
    if (account === undefined) {
      if (this.#accounts.size >= this.#sweepAt) this.#sweep();
      account = new FairAccount(subject);
      this.#accounts.set(subject, account);
    }
    if (account.waiting === 0) {
      const level = lane?.leastServed() ?? this.floor();
      if (level > account.served) account.served = level;
    }
    return account;
  }

  /** A job of the account gets a place. */
  dispatch(account: FairAccount, weightedTokens: number): void {
    account.inFlight += 1;
    account.served += weightedTokens;
    this.#latest = account;
  }

  floor(): number {
    if (this.#latest !== null && this.#latest.served > this.#floor) {
      this.#floor = this.#latest.served;
    }
    return this.#floor;
  }

  /** Takes over another class's accounts, each as far above the floor here as it was there. */
  absorb(other: FairClass): void {
    const [floor, otherFloor] = [this.floor(), other.floor()];
    for (const account of other.#accounts.values()) {
      const ahead = Math.max(0, account.served - otherFloor);
      const own = this.#accounts.get(account.subject);
      if (own === undefined) {
        account.served = floor + ahead;
        this.#accounts.set(account.subject, account);
        continue;
      }
      own.served += ahead;
      own.inFlight += account.inFlight;
      account.movedTo = own;
    }
  }

  /** An idle account at the floor is where a new one would begin. */
  #sweep(): void {
    const floor = this.floor();
    for (const isForced of [false, true]) {
      if (isForced && this.#accounts.size < MOST_ACCOUNTS) break;
      for (const [subject, account] of this.#accounts) {
        if (account.waiting > 0 || account.inFlight > 0) continue;
        if (isForced || account.served <= floor) this.#accounts.delete(subject);
      }
    }
    this.#sweepAt = Math.max(ACCOUNTS_BEFORE_SWEEP, this.#accounts.size * 2);
  }
}
