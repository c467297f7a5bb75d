import type { FairAccount } from './fair-account.ts';
import type { WaitingJob } from './waiting-job.ts';

/** One subject in one lane: its jobs there, first come, first served, and its place in the heap. */
export class Turn {
  readonly account: FairAccount;
  length = 0;
  /** Index in the heap of its lane. */
  at = 0;
  /** The counter by which it stands there: it may have grown meanwhile. */
  served = 0;
  /** Number of its oldest job, among equals the earlier one goes first. */
  #number = 0;
  #first: WaitingJob | null = null;
  #last: WaitingJob | null = null;

  constructor(account: FairAccount) {
    this.account = account;
  }

  get first(): WaitingJob | null {
    return this.#first;
  }

  isBefore(other: Turn): boolean {
    if (this.served !== other.served) return this.served < other.served;
    return this.#number < other.#number;
  }

  /** Takes in what has grown; true when that was something. */
  refresh(): boolean {
    const number = this.#first?.number ?? 0;
    if (this.served === this.account.served && this.#number === number) return false;
    this.served = this.account.served;
    this.#number = number;
    return true;
  }

  append(job: WaitingJob): void {
    job.before = this.#last;
    if (this.#last === null) this.#first = job;
    else this.#last.after = job;
    this.#last = job;
    this.length += 1;
  }

  unlink(job: WaitingJob): void {
    if (job.before === null) this.#first = job.after;
    else job.before.after = job.after;
    if (job.after === null) this.#last = job.before;
    else job.after.before = job.before;
    job.before = null;
    job.after = null;
    this.length -= 1;
  }

  *jobs(): Iterable<WaitingJob> {
    for (let job = this.#first; job !== null; job = job.after) yield job;
  }
}
