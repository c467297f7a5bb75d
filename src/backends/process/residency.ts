import { chooseVictims, evictionCost, type Victim } from './eviction.ts';
import { type Capacity, type Footprint, fitsBeside, isRival, sharesGpu } from './room.ts';

/**
 * Who is resident. Several models share a box that holds some of them at a time, and loading one
 * takes minutes: swapping for every request would leave no time for answers, never swapping would
 * starve who asks for the other. So a resident model serves whoever asks for it, for at least its
 * minimum residency; it makes room as soon as it is idle, and once somebody else has waited for
 * `fairnessMs` it takes no more requests, so that it becomes idle.
 *
 * This is a function of what there is now; it keeps nothing, waits for nothing and is simulated.
 */
export interface Resident extends Footprint {
  readonly phase: 'absent' | 'starting' | 'ready' | 'stopping';
  /** When that phase began. All times are monotonic milliseconds. */
  readonly sinceMs: number;
  readonly inUse: number;
  /** End of its last use, or when it was ready. */
  readonly idleSinceMs: number;
  /** It was in the last decision's `drain`. */
  readonly isDraining: boolean;
  /** When the one that has wanted it longest came; null: nobody wants it. */
  readonly wantedSinceMs: number | null;
  /** Not to be started earlier: it has failed. */
  readonly notBeforeMs: number;
  /** To be running whenever there is room. */
  readonly isPreloaded: boolean;
  /** Since when it is to end as soon as nobody uses it, because it has changed; null: it is not. */
  readonly retiredSinceMs: number | null;
  readonly idleTtlMs: number | null;
  readonly minResidencyMs: number;
  /** How long it takes to load. */
  readonly loadMs: number;
}

export interface ResidencyState {
  readonly residents: readonly Resident[];
  readonly capacity: Capacity;
  readonly fairnessMs: number;
  readonly nowMs: number;
}

export interface ResidencyDecision {
  readonly start: readonly string[];
  readonly stop: readonly { readonly id: string; readonly why: StopReason }[];
  /** These take no new requests for now. */
  readonly drain: readonly string[];
  /** When time alone may change the decision; null: never. */
  readonly nextMs: number | null;
}

/** `room`: another process needs the place. */
export type StopReason = 'idle' | 'room' | 'changed';

/** Idle for less, a process is between two requests rather than unused. */
const QUIET_MS = 5_000;

/** Decides everything anew, oldest wish first. The same state always has the same answer. */
export function decideResidency(state: ResidencyState): ResidencyDecision {
  const sketch = new Sketch(state);
  sketch.stopWhatIsOver();
  const wishes = state.residents
    .filter((one) => one.phase === 'absent' && one.wantedSinceMs !== null)
    .toSorted((a, b) => wantedSince(a) - wantedSince(b) || (a.id < b.id ? -1 : 1));
  for (const wish of wishes) sketch.grant(wish);
  for (const one of state.residents) {
    if (one.phase === 'absent' && one.isPreloaded && one.wantedSinceMs === null) {
      sketch.preload(one, wishes);
    }
  }
  return sketch.decision();
}

/** A decision being made. */
class Sketch {
  readonly #state: ResidencyState;
  readonly #start: Resident[] = [];
  readonly #stop = new Map<Resident, StopReason>();
  readonly #drain = new Set<Resident>();
  /** Absent ones whose place is kept for them, so that no younger wish takes it meanwhile. */
  readonly #claims: Resident[] = [];
  #nextMs = Number.POSITIVE_INFINITY;

  constructor(state: ResidencyState) {
    this.#state = state;
  }

  stopWhatIsOver(): void {
    for (const one of this.#state.residents) {
      if (one.phase !== 'ready') continue;
      if (one.retiredSinceMs !== null) this.#retire(one, one.retiredSinceMs);
      else if (one.inUse === 0 && one.idleTtlMs !== null && one.wantedSinceMs === null) {
        if (this.#isPast(one.idleSinceMs + one.idleTtlMs)) this.#stop.set(one, 'idle');
      }
    }
  }

  /** Its users may finish; those who come after it was due wait for the new one. */
  #retire(one: Resident, sinceMs: number): void {
    if (one.inUse === 0) this.#stop.set(one, 'changed');
    else if (this.#isPast(sinceMs + this.#state.fairnessMs)) this.#drain.add(one);
  }

  grant(wish: Resident): void {
    if (!this.#isPast(wish.notBeforeMs)) return;
    const { capacity } = this.#state;
    if (fitsBeside(wish, [...this.#staying(), ...this.#claims], capacity)) {
      this.#claims.push(wish);
      const isFree = fitsBeside(wish, [...this.#present(), ...this.#others(wish)], capacity);
      // An engine that measures free memory while another one fills or frees it gets it wrong.
      if (isFree && (!this.#isUnsettled(wish) || this.#isDue(wish))) this.#start.push(wish);
      return;
    }
    // Before its time a wish holds nobody up; from then on nothing younger takes its place.
    if (this.#makeRoom(wish) || this.#isDue(wish)) this.#claims.push(wish);
  }

  preload(one: Resident, wishes: readonly Resident[]): void {
    if (!this.#isPast(one.notBeforeMs)) return;
    const others = [...this.#present(), ...this.#start, ...wishes];
    if (!fitsBeside(one, others, this.#state.capacity) || this.#isUnsettled(one)) return;
    this.#start.push(one);
  }

  /** Stops what is idle, or drains what is not; false when neither may be done yet. */
  #makeRoom(wish: Resident): boolean {
    const { capacity, nowMs } = this.#state;
    const rivals = this.#staying().filter((one) => isRival(wish, one));
    const mayGo = rivals.filter((one) => this.#mayGo(one, wish));
    const fixed = rivals.filter((one) => !mayGo.includes(one));
    const victims = mayGo.map((one) => toVictim(one, nowMs));
    const chosen = chooseVictims(wish, victims, [...fixed, ...this.#claims], capacity);
    if (chosen === null) return false;
    const going = rivals.filter((one) => chosen.some(({ footprint }) => footprint === one));
    // Stopped together or not at all: one that is stopped while another still answers is missed.
    if (going.every(({ inUse }) => inUse === 0))
      for (const one of going) this.#stop.set(one, 'room');
    else for (const one of going) this.#drain.add(one);
    return true;
  }

  #mayGo(one: Resident, wish: Resident): boolean {
    if (one.phase === 'starting') return one.wantedSinceMs === null && this.#isDue(wish);
    const isQuiet = one.inUse === 0 && this.#isPast(one.idleSinceMs + QUIET_MS);
    if (isQuiet) return this.#isPast(one.sinceMs + one.minResidencyMs);
    // What is asked for answers for as long as it took to load, or loading would be all it does.
    const servedMs = Math.max(one.minResidencyMs, one.loadMs);
    return (one.inUse === 0 || this.#isDue(wish)) && this.#isPast(one.sinceMs + servedMs);
  }

  /** It has waited long enough for others to be held up. */
  #isDue(wish: Resident): boolean {
    return this.#isPast(wantedSince(wish) + this.#state.fairnessMs);
  }

  decision(): ResidencyDecision {
    return {
      start: this.#start.map(({ id }) => id),
      stop: Array.from(this.#stop, ([{ id }, why]) => ({ id, why })),
      drain: Array.from(this.#drain, ({ id }) => id),
      nextMs: this.#nextMs === Number.POSITIVE_INFINITY ? null : this.#nextMs,
    };
  }

  /** Is it that late? If not, that is a moment to decide again. */
  #isPast(atMs: number): boolean {
    if (atMs <= this.#state.nowMs) return true;
    this.#nextMs = Math.min(this.#nextMs, atMs);
    return false;
  }

  #present(): Resident[] {
    return this.#state.residents.filter((one) => one.phase !== 'absent');
  }

  #staying(): Resident[] {
    return this.#present().filter((one) => one.phase !== 'stopping' && !this.#stop.has(one));
  }

  #others(wish: Resident): Resident[] {
    return this.#claims.filter((claim) => claim !== wish);
  }

  #isUnsettled(wish: Resident): boolean {
    const isMoving = (one: Resident) =>
      one.phase === 'starting' || one.phase === 'stopping' || this.#stop.has(one);
    return [...this.#present().filter(isMoving), ...this.#start].some(
      (one) => one !== wish && sharesGpu(wish, one),
    );
  }
}

function toVictim(one: Resident, nowMs: number): Victim {
  const idleMs = one.phase === 'ready' && one.inUse === 0 ? nowMs - one.idleSinceMs : 0;
  const isBusy = one.inUse > 0 && !one.isDraining;
  return { footprint: one, cost: evictionCost(one, idleMs) + (isBusy ? BUSY_COST : 0) };
}

/** Above all others: what is idle goes first, then what is being drained already. */
const BUSY_COST = 1e18;

function wantedSince({ wantedSinceMs }: Resident): number {
  return wantedSinceMs ?? Number.POSITIVE_INFINITY;
}
