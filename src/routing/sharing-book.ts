import { ModelState } from './model-state.ts';
import type { Target } from './model-table.ts';
import { PREFIX_SLOTS } from './prefix-index.ts';
import type { Replicas } from './replica.ts';
import { ReplicaState } from './replica-state.ts';
import { SharingPool } from './sharing-pool.ts';
import type { WaitingJob } from './waiting-job.ts';

/** Everything the scheduler knows of replicas and models, and which of them share a pool. */
export class SharingBook {
  readonly #replicas = new Map<string, ReplicaState>();
  readonly #models = new Map<string, ModelState>();
  readonly #takenSlots = new Set<number>();

  get replicas(): Iterable<ReplicaState> {
    return this.#replicas.values();
  }

  get models(): Iterable<ModelState> {
    return this.#models.values();
  }

  replica(id: string): ReplicaState {
    const known = this.#replicas.get(id);
    if (known !== undefined) return known;
    const pool = new SharingPool();
    const added = new ReplicaState(id, this.#takeSlot(), pool);
    pool.addReplica(added);
    this.#replicas.set(id, added);
    return added;
  }

  model(name: string, limits: ReadonlyMap<string, number>): ModelState {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    const pool = new SharingPool();
    const added = new ModelState(name, pool, limits.get(name) ?? Number.POSITIVE_INFINITY);
    pool.addModel(added);
    this.#models.set(name, added);
    return added;
  }

  /**
   * From now on the model and these backends are one pool. Returns the jobs that waited elsewhere
   * and have to get in line again.
   */
  join(model: ModelState, candidates: readonly Target[]): readonly WaitingJob[] {
    const moved: WaitingJob[] = [];
    for (const { backend } of candidates) {
      const { pool } = this.replica(backend);
      if (pool !== model.pool) moved.push(...merge(model.pool, pool));
    }
    return moved;
  }

  /**
   * After a reload: pools in which nobody waits form anew, and what is gone from the configuration
   * and not in use is forgotten. Returns the slots that became free.
   */
  renew(isKnown: Replicas, limits: ReadonlyMap<string, number>): readonly number[] {
    const freed: number[] = [];
    for (const replica of this.#replicas.values()) {
      if (replica.pool.waiting > 0) continue;
      if (isKnown(replica.id) === undefined && replica.inFlight === 0) {
        this.#replicas.delete(replica.id);
        if (this.#takenSlots.delete(replica.slot)) freed.push(replica.slot);
      }
      new SharingPool().addReplica(replica);
    }
    for (const model of this.#models.values()) {
      model.limit = limits.get(model.name) ?? Number.POSITIVE_INFINITY;
      if (model.pool.waiting > 0) continue;
      if (model.inFlight === 0) this.#models.delete(model.name);
      new SharingPool().addModel(model);
    }
    return freed;
  }

  /** Beyond 64 replicas two share a number and what is remembered of either. */
  #takeSlot(): number {
    for (let slot = 0; slot < PREFIX_SLOTS; slot += 1) {
      if (this.#takenSlots.has(slot)) continue;
      this.#takenSlots.add(slot);
      return slot;
    }
    return this.#replicas.size % PREFIX_SLOTS;
  }
}

function merge(one: SharingPool, other: SharingPool): readonly WaitingJob[] {
  const isOneLarger =
    one.replicas.size + one.models.size >= other.replicas.size + other.models.size;
  return isOneLarger ? one.absorb(other) : other.absorb(one);
}
