/** Simulated time: what was planned first happens first, and at equal times in the order of planning. */
export class SimulatedEvents {
  nowMs = 0;
  #planned = 0;
  readonly #heap: { readonly atMs: number; readonly number: number; readonly act: () => void }[] =
    [];

  in(delayMs: number, act: () => void): void {
    this.at(this.nowMs + delayMs, act);
  }

  at(atMs: number, act: () => void): void {
    const heap = this.#heap;
    const event = { atMs, number: this.#planned, act };
    this.#planned += 1;
    let hole = heap.length;
    heap.push(event);
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[hole] = parent;
      hole = above;
    }
    heap[hole] = event;
  }

  /** Until nothing is planned any more. */
  run(): void {
    for (;;) {
      const next = this.#take();
      if (next === undefined) return;
      this.nowMs = next.atMs;
      next.act();
    }
  }

  #take() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || last === first) return first;
    let hole = 0;
    for (;;) {
      let below = hole * 2 + 1;
      let child = heap[below];
      if (child === undefined) break;
      const other = heap[below + 1];
      if (other !== undefined && isBefore(other, child)) {
        below += 1;
        child = other;
      }
      if (isBefore(last, child)) break;
      heap[hole] = child;
      hole = below;
    }
    heap[hole] = last;
    return first;
  }
}

interface Planned {
  readonly atMs: number;
  readonly number: number;
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.number < other.number);
}
