import type { FairAccount } from './fair-account.ts';
import type { Lane } from './lane.ts';
import type { Job, LineEvents, ReplicaLease } from './scheduling.ts';

/** A job in line, and its place in the list of its subject. */
export class WaitingJob {
  readonly job: Job;
  readonly events: LineEvents;
  readonly askedMs: number;
  /** In order of arrival. */
  readonly number: number;
  lane: Lane;
  account: FairAccount;
  before: WaitingJob | null = null;
  after: WaitingJob | null = null;
  isWaiting = true;
  /** Its `ask` has not returned yet, and takes from here what comes of it. */
  isArriving = false;
  lease: ReplicaLease | null = null;

  constructor(job: Job, events: LineEvents, asked: Arrival, at: Spot) {
    this.job = job;
    this.events = events;
    this.askedMs = asked.nowMs;
    this.number = asked.number;
    this.lane = at.lane;
    this.account = at.account;
  }
}

interface Arrival {
  readonly nowMs: number;
  readonly number: number;
}

interface Spot {
  readonly lane: Lane;
  readonly account: FairAccount;
}
