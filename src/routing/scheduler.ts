import { Candidates } from './candidates.ts';
import { ReplicaChooser } from './choose-replica.ts';
import { type FairAccount, inputCharge } from './fair-account.ts';
import type { FairClass } from './fair-class.ts';
import { Lane } from './lane.ts';
import { Lease, type LeaseOwner } from './lease.ts';
import { findPosition } from './line-position.ts';
import { viewLines, viewReplicas } from './line-views.ts';
import type { ModelState } from './model-state.ts';
import type { Target } from './model-table.ts';
import type { Replicas } from './replica.ts';
import type {
  AskResult,
  Job,
  LineEvents,
  LineStanding,
  Peek,
  ReplicaLease,
  ReplicaStanding,
  Scheduler,
  SchedulerSettings,
  SchedulerStats,
} from './scheduling.ts';
import { SharingBook } from './sharing-book.ts';
import type { SharingPool } from './sharing-pool.ts';
import { WaitingJob } from './waiting-job.ts';

export interface SchedulerParts {
  readonly replicas: Replicas;
  readonly settings: SchedulerSettings;
  /** 0 up to 1, exclusive. */
  readonly random: () => number;
}

/**
 * Affinity, load and fairness as one decision, and every place it takes is given back by `end`.
 * It never overtakes: as long as somebody of a pool waits, who comes gets in line first. Time must
 * not run backwards between calls.
 */
export function createScheduler(parts: SchedulerParts): Scheduler {
  return new OneScheduler(parts);
}

const UNAVAILABLE: AskResult = { kind: 'refused', why: 'unavailable' };
const FULL: AskResult = { kind: 'refused', why: 'full' };

class OneScheduler implements Scheduler, LeaseOwner {
  readonly #replicas: Replicas;
  readonly #book = new SharingBook();
  readonly #among: Candidates;
  readonly #chooser: ReplicaChooser;
  #settings: SchedulerSettings;
  #waiting = 0;
  #asked = 0;
  #queued = 0;
  #refusedFull = 0;
  #left = 0;
  /** Counts the rounds in which places are given to those who wait. */
  #round = 0;
  #latestMs = 0;

  constructor({ replicas, settings, random }: SchedulerParts) {
    this.#replicas = replicas;
    this.#settings = settings;
    this.#among = new Candidates(this.#book, replicas);
    this.#chooser = new ReplicaChooser(random);
    this.replaceSettings(settings);
  }

  ask(job: Job, nowMs: number, events: LineEvents): AskResult {
    this.#asked += 1;
    const model = this.#book.model(job.model, this.#settings.modelConcurrency);
    const among = this.#among;
    among.survey(job.candidates, nowMs, model.pool);
    if (among.isSplit) this.#join(model, job);
    const { pool } = model;
    if (among.count === 0 && !among.isComing) return UNAVAILABLE;
    if (pool.waiting > 0) return this.#askBehindOthers(job, model, nowMs, events);
    if (among.usableCount > 0 && model.inFlight < model.limit) {
      const line = pool.classOf(job.priority);
      const account = line.arrive(job.subject, undefined);
      return { kind: 'lease', lease: this.#grant(job, { model, line, account }, nowMs, nowMs) };
    }
    if (this.#waiting >= this.#settings.maxWaiting) {
      this.#refusedFull += 1;
      return FULL;
    }
    return this.#toWaiting(this.#getInLine(job, model, nowMs, events));
  }

  peek(job: Job, nowMs: number): Peek {
    const model = this.#book.model(job.model, this.#settings.modelConcurrency);
    const among = this.#among;
    among.survey(job.candidates, nowMs, model.pool);
    const usualOutputTokens = Math.round(model.outputTokens);
    if (among.count === 0 && !among.isComing) {
      return { kind: 'refused', why: 'unavailable', usualOutputTokens };
    }
    // Models that have not met at a backend yet wait apart until the first request joins them.
    const pools = new Set([model.pool, ...poolsOf(job.candidates, this.#book)]);
    const before = [...pools].reduce((sum, { waiting }) => sum + waiting, 0);
    if (before === 0 && among.usableCount > 0 && model.inFlight < model.limit) {
      const target = among.targets[this.#chooser.peek(job, model, among, nowMs)];
      if (target === undefined) throw new Error('no candidate is usable');
      return { kind: 'place', target, reason: this.#chooser.reason, usualOutputTokens };
    }
    if (this.#waiting >= this.#settings.maxWaiting) {
      return { kind: 'refused', why: 'full', usualOutputTokens };
    }
    return { kind: 'line', before, usualOutputTokens };
  }

  pump(nowMs: number): void {
    if (this.#waiting === 0) return;
    const pools = new Set<SharingPool>();
    for (const { pool } of this.#book.models) if (pool.waiting > 0) pools.add(pool);
    for (const pool of pools) this.#pump(pool, nowMs);
  }

  replaceSettings(settings: SchedulerSettings): void {
    this.#settings = settings;
    this.#among.engineQueue = settings.engineQueue;
    this.#chooser.affinity.stickyTokens = settings.stickyTokens;
    const freedSlots = this.#book.renew(this.#replicas, settings.modelConcurrency);
    for (const slot of freedSlots) this.#chooser.affinity.forgetSlot(slot);
  }

  views(nowMs: number): readonly ReplicaStanding[] {
    return viewReplicas(this.#book.replicas, this.#replicas, this.#settings.engineQueue, nowMs);
  }

  lines(nowMs = this.#latestMs): readonly LineStanding[] {
    return viewLines(this.#book.models, nowMs);
  }

  stats(): SchedulerStats {
    const { prefixHits, prefixEntries, sessions } = this.#chooser.affinity;
    return {
      asked: this.#asked,
      queued: this.#queued,
      refusedFull: this.#refusedFull,
      left: this.#left,
      prefixHits,
      prefixEntries,
      sessions,
    };
  }

  freed({ state, model }: Lease, nowMs: number): void {
    if (state.pool.waiting > 0) this.#pump(state.pool, nowMs);
    // A reload can have parted them.
    if (model.pool !== state.pool && model.pool.waiting > 0) this.#pump(model.pool, nowMs);
  }

  /** Gets in line and looks at once whether it is its turn: a free place may be one of its own. */
  #askBehindOthers(job: Job, model: ModelState, nowMs: number, events: LineEvents): AskResult {
    const waiting = this.#getInLine(job, model, nowMs, events);
    waiting.isArriving = true;
    this.#pump(model.pool, nowMs);
    waiting.isArriving = false;
    if (waiting.lease !== null) return { kind: 'lease', lease: waiting.lease };
    if (!waiting.isWaiting) return UNAVAILABLE;
    if (this.#waiting > this.#settings.maxWaiting) {
      this.#leaveLine(waiting);
      this.#refusedFull += 1;
      return FULL;
    }
    return this.#toWaiting(waiting);
  }

  #toWaiting(waiting: WaitingJob): AskResult {
    this.#queued += 1;
    return {
      kind: 'waiting',
      waiting: {
        position: () => findPosition(waiting),
        leave: () => {
          if (!waiting.isWaiting) return;
          this.#left += 1;
          this.#leaveLine(waiting);
        },
      },
    };
  }

  #getInLine(job: Job, model: ModelState, nowMs: number, events: LineEvents): WaitingJob {
    const spot = findSpot(job, model);
    const waiting = new WaitingJob(job, events, { nowMs, number: this.#asked }, spot);
    this.#latestMs = nowMs;
    enterLane(waiting);
    this.#waiting += 1;
    return waiting;
  }

  #leaveLine(waiting: WaitingJob): void {
    const { lane } = waiting;
    waiting.isWaiting = false;
    lane.remove(waiting);
    if (lane.waiting === 0) lane.line.lanes.delete(lane.key);
    lane.model.waiting -= 1;
    lane.model.pool.waiting -= 1;
    this.#waiting -= 1;
  }

  #join(model: ModelState, job: Job): void {
    for (const moved of this.#book.join(model, job.candidates)) {
      const { lane, account } = findSpot(moved.job, moved.lane.model);
      moved.lane = lane;
      moved.account = account;
      enterLane(moved);
    }
  }

  /** Gives places to those who wait until nobody of them can have one. */
  #pump(pool: SharingPool, nowMs: number): void {
    if (pool.isPumping) {
      pool.pumpAgain = true;
      return;
    }
    pool.isPumping = true;
    this.#latestMs = nowMs;
    try {
      do {
        pool.pumpAgain = false;
        this.#round += 1;
        while (this.#serveNext(pool, nowMs));
      } while (pool.pumpAgain);
    } finally {
      pool.isPumping = false;
    }
    if (pool.absorbedBy !== null) this.#pump(pool.absorbedBy, nowMs);
  }

  /** One place to the one whose turn it is; false when nobody who waits can have one. */
  #serveNext(pool: SharingPool, nowMs: number): boolean {
    const gone: WaitingJob[] = [];
    const lane = this.#nextLane(pool, nowMs, gone);
    if (gone.length > 0) {
      for (const job of gone) this.#leaveLine(job);
      for (const job of gone) if (!job.isArriving) job.events.onUnavailable();
      return true;
    }
    const waiting = lane?.top()?.first;
    if (lane === undefined || waiting === undefined || waiting === null) return false;
    const { job, account } = waiting;
    this.#among.survey(job.candidates, nowMs, pool);
    if (this.#among.usableCount === 0) {
      lane.blockedIn = this.#round;
      return true;
    }
    this.#leaveLine(waiting);
    const { model, line } = lane;
    const lease = this.#grant(job, { model, line, account }, nowMs, waiting.askedMs);
    if (waiting.isArriving) waiting.lease = lease;
    else waiting.events.onLease(lease);
    return true;
  }

  /**
   * Of the most urgent class in which somebody can have a place, the lane of the subject that was
   * served least. Adds the jobs that no replica will ever take to `gone`.
   */
  #nextLane(pool: SharingPool, nowMs: number, gone: WaitingJob[]): Lane | undefined {
    for (const line of pool.classes) {
      let best: Lane | undefined;
      for (const lane of line.lanes.values()) {
        if (lane.blockedIn === this.#round) continue;
        this.#among.survey(lane.candidates, nowMs, pool);
        const { count, usableCount, isComing } = this.#among;
        if (count === 0 && !isComing) gone.push(...lane.jobs());
        if (usableCount === 0 || lane.model.inFlight >= lane.model.limit) {
          lane.blockedIn = this.#round;
        } else if (best === undefined || lane.isBefore(best)) {
          best = lane;
        }
      }
      if (best !== undefined || gone.length > 0) return best;
    }
    return undefined;
  }

  /** `#among` has been surveyed for the job. */
  #grant(job: Job, { model, line, account }: Place, nowMs: number, askedMs: number): ReplicaLease {
    const chosen = this.#chooser.choose(job, model, this.#among, nowMs);
    const target = this.#among.targets[chosen];
    const state = this.#among.states[chosen];
    if (target === undefined || state === undefined) throw new Error('no candidate is usable');
    const { uncachedTokens, reason } = this.#chooser;
    // Whole, or what floating point leaves over would make an empty replica look busy for ever.
    const prefillTokens = Math.round(uncachedTokens);
    state.inFlight += 1;
    state.prefillTokens += prefillTokens;
    model.inFlight += 1;
    line.dispatch(account, inputCharge(job.inputTokens, job.weight));
    return new Lease(
      this,
      { state, model, account },
      { target, reason },
      { queuedMs: nowMs - askedMs, nowMs, weight: job.weight, prefillTokens },
    );
  }
}

interface Place {
  readonly model: ModelState;
  readonly line: FairClass;
  readonly account: FairAccount;
}

function poolsOf(candidates: readonly Target[], book: SharingBook): SharingPool[] {
  return candidates.map(({ backend }) => book.replica(backend).pool);
}

/** Where a job of the model waits; it is not there yet. */
function findSpot(job: Job, model: ModelState): { lane: Lane; account: FairAccount } {
  const line = model.pool.classOf(job.priority);
  const backends = job.candidates.map(({ backend }) => backend);
  const key = [model.name, ...backends].join('\n');
  const lane = line.lanes.get(key) ?? new Lane(key, line, model, job.candidates);
  return { lane, account: line.arrive(job.subject, lane) };
}

function enterLane(waiting: WaitingJob): void {
  const { lane } = waiting;
  lane.line.lanes.set(lane.key, lane);
  lane.add(waiting);
  lane.model.waiting += 1;
  lane.model.pool.waiting += 1;
}
