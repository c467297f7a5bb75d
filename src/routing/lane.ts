import type { FairAccount } from './fair-account.ts';
import type { FairClass } from './fair-class.ts';
import type { ModelState } from './model-state.ts';
import type { Target } from './model-table.ts';
import { Turn } from './turn.ts';
import type { WaitingJob } from './waiting-job.ts';

/**
 * The jobs of one class that wait for the same thing: a place for a model at one of a set of
 * backends. A heap of the subjects in it, the least served first; within a subject first come,
 * first served. Counters only grow, so a subject may stand too high in the heap, never too low, and
 * is put in its place when it comes to the top: charging somebody costs nothing here.
 */
export class Lane {
  readonly key: string;
  readonly line: FairClass;
  readonly model: ModelState;
  readonly candidates: readonly Target[];
  waiting = 0;
  /** The round of giving places in which it was found that it can have none. */
  blockedIn = -1;
  readonly #turns = new Map<FairAccount, Turn>();
  readonly #heap: Turn[] = [];

  constructor(key: string, line: FairClass, model: ModelState, candidates: readonly Target[]) {
    this.key = key;
    this.line = line;
    this.model = model;
    this.candidates = candidates;
  }

  /** The subjects that wait in it. */
  get turns(): Iterable<Turn> {
    return this.#heap;
  }

  /** Counter of its least served subject; undefined when nobody waits. */
  leastServed(): number | undefined {
    return this.top()?.served;
  }

  /** The subject that comes next; undefined when nobody waits. */
  top(): Turn | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first?.refresh() !== true) return first;
      this.#sink(0);
    }
  }

  /** Its next job comes before that of another lane of its class. */
  isBefore(other: Lane): boolean {
    const [own, others] = [this.top(), other.top()];
    return own !== undefined && others !== undefined && own.isBefore(others);
  }

  add(job: WaitingJob): void {
    let turn = this.#turns.get(job.account);
    if (turn === undefined) {
      turn = new Turn(job.account);
      this.#turns.set(job.account, turn);
    }
    turn.append(job);
    job.account.waiting += 1;
    this.waiting += 1;
    if (turn.length > 1) return;
    turn.refresh();
    this.#heap.push(turn);
    this.#rise(this.#heap.length - 1);
  }

  remove(job: WaitingJob): void {
    const turn = this.#turns.get(job.account);
    if (turn === undefined) return;
    turn.unlink(job);
    job.account.waiting -= 1;
    this.waiting -= 1;
    if (turn.length > 0) return;
    this.#turns.delete(job.account);
    const hole = turn.at;
    const last = this.#heap.pop();
    if (last === undefined || last === turn) return;
    this.#put(last, hole);
    this.#sink(hole);
    this.#rise(hole);
  }

  /** Every job, in no particular order. */
  *jobs(): Iterable<WaitingJob> {
    for (const turn of this.#heap) yield* turn.jobs();
  }

  #rise(from: number): void {
    let at = from;
    const turn = this.#heap[at];
    if (turn === undefined) return;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !turn.isBefore(parent)) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(turn, at);
  }

  #sink(from: number): void {
    let at = from;
    const turn = this.#heap[at];
    if (turn === undefined) return;
    for (;;) {
      let below = at * 2 + 1;
      let child = this.#heap[below];
      if (child === undefined) break;
      const other = this.#heap[below + 1];
      if (other?.isBefore(child) === true) {
        below += 1;
        child = other;
      }
      if (!child.isBefore(turn)) break;
      this.#put(child, at);
      at = below;
    }
    this.#put(turn, at);
  }

  #put(turn: Turn, at: number): void {
    this.#heap[at] = turn;
    turn.at = at;
  }
}
