import { FairClass } from './fair-class.ts';
import type { ModelState } from './model-state.ts';
import type { ReplicaState } from './replica-state.ts';
import type { WaitingJob } from './waiting-job.ts';

/**
 * Replicas that compete for the same requests, directly or through others, and the models they
 * serve. Within it fairness counts; what a subject was served by other machines says nothing here.
 */
export class SharingPool {
  readonly replicas = new Set<ReplicaState>();
  readonly models = new Set<ModelState>();
  /** Jobs in line. */
  waiting = 0;
  /** Places are being given away; whoever finds it so asks for another round. */
  isPumping = false;
  pumpAgain = false;
  /** The pool that this one has become part of. */
  absorbedBy: SharingPool | null = null;
  /** The most urgent first. */
  readonly #classes: FairClass[] = [];

  get classes(): readonly FairClass[] {
    return this.#classes;
  }

  classOf(priority: number): FairClass {
    for (const each of this.#classes) if (each.priority === priority) return each;
    const added = new FairClass(priority);
    const behind = this.#classes.findIndex((each) => each.priority > priority);
    this.#classes.splice(behind === -1 ? this.#classes.length : behind, 0, added);
    return added;
  }

  /**
   * Members and accounts of the other become its own. Returns the jobs that waited there, which
   * are in no line now.
   */
  absorb(other: SharingPool): readonly WaitingJob[] {
    const jobs = [...other.jobs()].sort((one, two) => one.number - two.number);
    for (const job of jobs) {
      job.lane.remove(job);
      job.lane.model.waiting -= 1;
    }
    for (const replica of other.replicas) this.addReplica(replica);
    for (const model of other.models) this.addModel(model);
    for (const each of other.classes) {
      each.lanes.clear();
      this.classOf(each.priority).absorb(each);
    }
    other.waiting = 0;
    other.absorbedBy = this;
    return jobs;
  }

  addReplica(replica: ReplicaState): void {
    replica.pool = this;
    this.replicas.add(replica);
  }

  addModel(model: ModelState): void {
    model.pool = this;
    this.models.add(model);
  }

  /** Every job in line, in no particular order. */
  *jobs(): Iterable<WaitingJob> {
    for (const { lanes } of this.#classes) for (const lane of lanes.values()) yield* lane.jobs();
  }
}
