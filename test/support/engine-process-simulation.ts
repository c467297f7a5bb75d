import {
  decideResidency,
  type ResidencyDecision,
  type Resident,
} from '../../src/backends/process/residency.ts';
import { type Capacity, fitsBeside } from '../../src/backends/process/room.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface SimulatedModel {
  readonly id: string;
  readonly gpus: readonly number[];
  readonly memoryBytes: number | null;
  readonly group: string | null;
  readonly minResidencyMs: number;
  readonly idleTtlMs: number | null;
  readonly loadMs: number;
  /** Mean time between requests; Infinity: never asked for. */
  readonly everyMs: number;
  /** Longest request. */
  readonly requestMs: number;
  /** One who asks again only when the last answer has come, as a person does. */
  readonly isOneUser?: boolean;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly models: readonly SimulatedModel[];
  readonly capacity: Capacity;
  readonly fairnessMs: number;
  readonly stopMs: number;
  readonly durationMs: number;
}

export interface SimulationResult {
  /** Broken promises, in words; empty when all were kept. */
  readonly faults: readonly string[];
  readonly served: number;
  readonly starts: number;
  readonly evictions: number;
  readonly longestWaitMs: number;
  /** Who still waits at the end, and since when. */
  readonly waiting: readonly { readonly id: string; readonly sinceMs: number }[];
  /** Processes that run at the end. */
  readonly running: readonly string[];
}

/** Events at the same time happen in the order in which they were planned. */
class Agenda {
  readonly #events: { readonly atMs: number; readonly run: () => void }[] = [];

  add(atMs: number, run: () => void): void {
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1]?.atMs ?? 0) > atMs) index -= 1;
    this.#events.splice(index, 0, { atMs, run });
  }

  take() {
    return this.#events.shift();
  }
}

interface Simulated {
  readonly model: SimulatedModel;
  phase: Resident['phase'];
  sinceMs: number;
  inUse: number;
  idleSinceMs: number;
  isDraining: boolean;
  /** Counts runs, so that what was planned for an old one does nothing. */
  run: number;
  readonly waiting: number[];
}

/** The decisions of `decideResidency` on a box that takes time to load, to answer and to stop. */
export function simulateResidency(options: SimulationOptions): SimulationResult {
  const simulation = new Simulation(options);
  simulation.run();
  return simulation.result();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random;
  readonly #agenda = new Agenda();
  readonly #all: readonly Simulated[];
  readonly #faults: string[] = [];
  #nowMs = 0;
  #served = 0;
  #starts = 0;
  #evictions = 0;
  #longestWaitMs = 0;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = createSeededRandom(options.seed);
    this.#all = options.models.map((model) => ({
      ...{ model, phase: 'absent', sinceMs: 0, inUse: 0, idleSinceMs: 0 },
      ...{ isDraining: false, run: 0, waiting: [] },
    }));
  }

  run(): void {
    for (const one of this.#all) {
      if (one.model.everyMs < Number.POSITIVE_INFINITY) this.#planRequest(one);
    }
    for (;;) {
      const event = this.#agenda.take();
      if (event === undefined || event.atMs > this.#options.durationMs) break;
      this.#nowMs = event.atMs;
      event.run();
      this.#decide();
    }
    this.#nowMs = this.#options.durationMs;
  }

  result(): SimulationResult {
    return {
      faults: this.#faults,
      served: this.#served,
      starts: this.#starts,
      evictions: this.#evictions,
      longestWaitMs: this.#longestWaitMs,
      waiting: this.#all.flatMap(({ model, waiting: [sinceMs] }) =>
        sinceMs === undefined ? [] : [{ id: model.id, sinceMs }],
      ),
      running: this.#all.filter(({ phase }) => phase !== 'absent').map(({ model }) => model.id),
    };
  }

  #planRequest(one: Simulated): void {
    // Exponential gaps: what independent callers make.
    const gapMs = -Math.log(1 - this.#random.next()) * one.model.everyMs;
    this.#agenda.add(this.#nowMs + gapMs, () => {
      if (one.model.isOneUser !== true) this.#planRequest(one);
      if (one.phase === 'ready' && !one.isDraining) this.#serve(one);
      else one.waiting.push(this.#nowMs);
    });
  }

  #serve(one: Simulated): void {
    const { run } = one;
    one.inUse += 1;
    this.#served += 1;
    this.#agenda.add(this.#nowMs + 1 + this.#random.int(one.model.requestMs), () => {
      if (one.run !== run) return;
      one.inUse -= 1;
      if (one.inUse === 0) one.idleSinceMs = this.#nowMs;
      if (one.model.isOneUser === true) this.#planRequest(one);
    });
  }

  #serveWaiting(one: Simulated): void {
    for (const sinceMs of one.waiting.splice(0)) {
      this.#longestWaitMs = Math.max(this.#longestWaitMs, this.#nowMs - sinceMs);
      this.#serve(one);
    }
  }

  #decide(): void {
    const decision = decideResidency({
      residents: this.#all.map(toResident),
      capacity: this.#options.capacity,
      fairnessMs: this.#options.fairnessMs,
      nowMs: this.#nowMs,
    });
    this.#obey(decision);
    if (decision.nextMs === null || decision.nextMs >= this.#wakeMs) return;
    this.#wakeMs = decision.nextMs;
    this.#agenda.add(decision.nextMs, () => {
      this.#wakeMs = Number.POSITIVE_INFINITY;
    });
  }

  #obey({ start, stop, drain }: ResidencyDecision): void {
    for (const one of this.#all) {
      one.isDraining = drain.includes(one.model.id);
      const why = stop.find(({ id }) => id === one.model.id)?.why;
      if (why !== undefined) this.#stopOne(one, why);
      else if (one.phase === 'ready' && !one.isDraining) this.#serveWaiting(one);
    }
    for (const one of this.#all) if (start.includes(one.model.id)) this.#startOne(one);
  }

  #startOne(one: Simulated): void {
    if (one.phase !== 'absent') this.#faults.push(`${one.model.id} started while ${one.phase}`);
    const others = this.#all.filter(({ phase }) => phase !== 'absent').map(({ model }) => model);
    if (!fitsBeside(one.model, others, this.#options.capacity)) {
      this.#faults.push(`${one.model.id} does not fit`);
    }
    this.#starts += 1;
    one.run += 1;
    this.#enter(one, 'starting');
    this.#after(one, one.model.loadMs, () => {
      if (one.phase !== 'starting') return;
      this.#enter(one, 'ready');
      one.idleSinceMs = this.#nowMs;
      this.#serveWaiting(one);
    });
  }

  #stopOne(one: Simulated, why: string): void {
    const { id, minResidencyMs } = one.model;
    if (one.inUse > 0) this.#faults.push(`${id} was stopped while in use`);
    if (one.phase === 'ready' && why === 'room' && this.#nowMs < one.sinceMs + minResidencyMs) {
      this.#faults.push(`${id} was stopped too early`);
    }
    if (why === 'room') this.#evictions += 1;
    this.#enter(one, 'stopping');
    this.#after(one, this.#options.stopMs, () => this.#enter(one, 'absent'));
  }

  #after(one: Simulated, delayMs: number, run: () => void): void {
    const current = one.run;
    this.#agenda.add(this.#nowMs + delayMs, () => {
      if (one.run === current) run();
    });
  }

  #enter(one: Simulated, phase: Resident['phase']): void {
    one.phase = phase;
    one.sinceMs = this.#nowMs;
  }
}

function toResident(one: Simulated): Resident {
  const { model, phase, sinceMs, inUse, idleSinceMs, isDraining, waiting } = one;
  return {
    ...model,
    ...{ phase, sinceMs, inUse, idleSinceMs, isDraining },
    wantedSinceMs: waiting[0] ?? null,
    notBeforeMs: Number.NEGATIVE_INFINITY,
    isPreloaded: false,
    retiredSinceMs: null,
  };
}
