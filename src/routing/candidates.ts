import type { Target } from './model-table.ts';
import type { Replicas } from './replica.ts';
import type { ReplicaState } from './replica-state.ts';
import type { SharingBook } from './sharing-book.ts';
import type { SharingPool } from './sharing-pool.ts';

/** How far a replica can be used now. */
const FULL = 0;
const SATURATED = 1;
const FREE = 2;

/**
 * Those of a job's targets that accept requests now, and which of them could take it. One object
 * that every decision fills anew, so that deciding allocates nothing; what it says holds until the
 * next `survey`.
 */
export class Candidates {
  /** The first `count` of each belong together, in the order of the configuration. */
  readonly targets: Target[] = [];
  readonly states: ReplicaState[] = [];
  shares = new Float64Array(16);
  slots = new Uint8Array(16);
  /** Leading blocks of the prompt that the replica should have; filled by the prefix index. */
  depths = new Uint32Array(16);
  count = 0;
  usableCount = 0;
  /** One that does not accept now will. */
  isComing = false;
  /** Some are not of the pool that the survey was for. */
  isSplit = false;
  engineQueue = 0;
  readonly #book: SharingBook;
  readonly #replicas: Replicas;
  #ranks = new Uint8Array(16);
  #usableRank = SATURATED;

  constructor(book: SharingBook, replicas: Replicas) {
    this.#book = book;
    this.#replicas = replicas;
  }

  survey(candidates: readonly Target[], nowMs: number, pool: SharingPool): void {
    this.count = 0;
    this.usableCount = 0;
    this.isComing = false;
    this.isSplit = false;
    this.#usableRank = SATURATED;
    for (let index = 0; index < candidates.length; index += 1) {
      const target = candidates[index];
      if (target === undefined) continue;
      const replica = this.#replicas(target.backend);
      if (replica === undefined) continue;
      const state = this.#book.replica(target.backend);
      if (state.pool !== pool) this.isSplit = true;
      if (!replica.accepts(nowMs)) {
        if (replica.isComing) this.isComing = true;
        continue;
      }
      state.look(replica, this.engineQueue, nowMs);
      this.#add(target, state, target.weight * replica.share(nowMs));
    }
    if (this.count === 0 && !this.isComing) this.#addLastResorts(candidates, nowMs);
  }

  #addLastResorts(candidates: readonly Target[], nowMs: number): void {
    for (const target of candidates) {
      const replica = this.#replicas(target.backend);
      if (replica === undefined || !replica.isLastResort(nowMs)) continue;
      const state = this.#book.replica(target.backend);
      state.look(replica, this.engineQueue, nowMs);
      this.#add(target, state, target.weight);
    }
  }

  /** It has a place; a saturated engine is left alone while another is not. */
  isUsable(index: number): boolean {
    return this.#ranks[index] === this.#usableRank;
  }

  /** Requests per share that the replica would have with this one; the lowest is the least busy. */
  load(index: number): number {
    return ((this.states[index]?.busy ?? 0) + 1) / this.share(index);
  }

  /** As `load`, over all that are usable together. */
  meanLoad(): number {
    let busy = 0;
    let shares = 0;
    for (let index = 0; index < this.count; index += 1) {
      if (!this.isUsable(index)) continue;
      busy += this.states[index]?.busy ?? 0;
      shares += this.share(index);
    }
    return (busy + 1) / shares;
  }

  /** Index of a usable one; they are counted from 0. */
  nthUsable(nth: number): number {
    let left = nth;
    for (let index = 0; index < this.count; index += 1) {
      if (!this.isUsable(index)) continue;
      if (left === 0) return index;
      left -= 1;
    }
    return -1;
  }

  /** Weight of the target, less while the replica starts slowly; above 0. */
  share(index: number): number {
    return this.shares[index] ?? 1;
  }

  #add(target: Target, state: ReplicaState, share: number): void {
    const at = this.count;
    if (at === this.shares.length) this.#grow();
    let rank = FULL;
    if (state.hasPlace) rank = state.isSaturated ? SATURATED : FREE;
    if (rank > this.#usableRank) {
      this.#usableRank = rank;
      this.usableCount = 0;
    }
    if (rank === this.#usableRank) this.usableCount += 1;
    this.targets[at] = target;
    this.states[at] = state;
    this.shares[at] = share > 0 ? share : 1e-6;
    this.slots[at] = state.slot;
    this.#ranks[at] = rank;
    this.count = at + 1;
  }

  #grow(): void {
    const size = this.shares.length * 2;
    const [shares, slots, ranks] = [this.shares, this.slots, this.#ranks];
    this.shares = new Float64Array(size);
    this.shares.set(shares);
    this.slots = new Uint8Array(size);
    this.slots.set(slots);
    this.#ranks = new Uint8Array(size);
    this.#ranks.set(ranks);
    this.depths = new Uint32Array(size);
  }
}
