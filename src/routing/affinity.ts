import type { Candidates } from './candidates.ts';
import { PrefixIndex } from './prefix-index.ts';
import type { ReplicaState } from './replica-state.ts';
import type { Job } from './scheduling.ts';
import { SessionPins } from './session-pins.ts';

/** Blocks of 2 KB: 400 MB of prompts. */
const PREFIX_ENTRIES = 200_000;
const SESSIONS = 100_000;
/** A match of a smaller part of the prompt saves too little to decide anything. */
const LEAST_MATCH = 0.05;
/**
 * For the sake of its cache a replica may have a quarter more requests than the mean, and a few:
 * without it a prefix that everybody shares would keep everybody on one machine.
 */
const BUSY_FACTOR = 1.25;
const BUSY_SLACK = 4;

/** The replica that holds what a job needs, and `none` or `lost`: there was one, but it is full. */
export type AffinityVerdict = 'session' | 'prefix' | 'lost' | 'none';

/** Sticky until saturated: which replica has seen a session or the beginning of a prompt. */
export class Affinity {
  /** Uncached prompt tokens in flight at one replica beyond which affinity gives way. */
  stickyTokens = Number.POSITIVE_INFINITY;
  /** Index among the candidates; meaningful after the verdicts `session` and `prefix`. */
  chosen = 0;
  prefixHits = 0;
  readonly #pins = new SessionPins(SESSIONS);
  /** Made when the first prompt with a chain comes: it takes four megabytes. */
  #index: PrefixIndex | null = null;
  #isMatched = false;
  /** Blocks that the best match has; 0 when there is none that counts. */
  #deepest = 0;
  /** Index of the replica that answers the session; -1 for none. */
  #pinned = -1;

  get prefixEntries(): number {
    return this.#index?.entries ?? 0;
  }

  get sessions(): number {
    return this.#pins.size;
  }

  /** The slot is another replica's from now on. */
  forgetSlot(slot: number): void {
    this.#index?.forget(slot);
  }

  find(job: Job, among: Candidates): AffinityVerdict {
    this.#isMatched = this.#index !== null && job.prefix.length > 0;
    this.#deepest = this.#isMatched ? this.#match(job, among) : 0;
    this.#pinned = job.session === null ? -1 : this.#findPinned(job.model, job.session, among);
    if (this.#pinned !== -1 && this.#hasRoom(job, among, this.#pinned)) {
      this.chosen = this.#pinned;
      return 'session';
    }
    if (this.#deepest === 0) return this.#pinned === -1 ? 'none' : 'lost';
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < among.count; index += 1) {
      if (among.depths[index] !== this.#deepest || !this.#hasRoom(job, among, index)) continue;
      const load = among.load(index);
      if (load >= least) continue;
      least = load;
      this.chosen = index;
    }
    if (least === Number.POSITIVE_INFINITY) return 'lost';
    this.prefixHits += 1;
    return 'prefix';
  }

  /** After `lost`: why a candidate that was chosen by load is right all the same; null if it is not. */
  merit(index: number, among: Candidates): 'session' | 'prefix' | null {
    if (index === this.#pinned) return 'session';
    return this.#deepest > 0 && among.depths[index] === this.#deepest ? 'prefix' : null;
  }

  /** Prompt tokens that a candidate should not have in its cache; after `find`. */
  uncachedTokens(job: Job, among: Candidates, index: number): number {
    if (!this.#isMatched) return job.inputTokens;
    return job.inputTokens * (1 - (among.depths[index] ?? 0) / job.prefix.length);
  }

  learn(job: Job, state: ReplicaState): void {
    if (job.session !== null) this.#pins.pin(job.model, job.session, state.id);
    if (job.prefix.length === 0) return;
    this.#index ??= new PrefixIndex(PREFIX_ENTRIES);
    this.#index.learn(job.prefix, state.slot);
  }

  #match(job: Job, among: Candidates): number {
    const { prefix } = job;
    const deepest = this.#index?.match(prefix, among.slots, among.count, among.depths) ?? 0;
    return deepest < prefix.length * LEAST_MATCH ? 0 : deepest;
  }

  #findPinned(model: string, session: string, among: Candidates): number {
    const backend = this.#pins.find(model, session);
    if (backend === undefined) return -1;
    for (let index = 0; index < among.count; index += 1) {
      if (among.states[index]?.id === backend) return index;
    }
    return -1;
  }

  /** It has a place, and the job would not wait there for what others want to have read. */
  #hasRoom(job: Job, among: Candidates, index: number): boolean {
    if (!among.isUsable(index)) return false;
    const waiting = among.states[index]?.prefillTokens ?? 0;
    // An empty replica is as good as any, however long the prompt.
    if (waiting > 0 && waiting + this.uncachedTokens(job, among, index) > this.stickyTokens) {
      return false;
    }
    return among.load(index) <= among.meanLoad() * BUSY_FACTOR + BUSY_SLACK / among.share(index);
  }
}
