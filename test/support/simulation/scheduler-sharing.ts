import { BALANCES } from '../../../src/routing/balance.ts';
import type { Target } from '../../../src/routing/model-table.ts';
import type { Replica } from '../../../src/routing/replica.ts';
import { createScheduler } from '../../../src/routing/scheduler.ts';
import type { ReplicaLease, Scheduler, Waiting } from '../../../src/routing/scheduling.ts';
import { createSeededRandom, type SeededRandom } from '../seeded-random.ts';

const MOST_INPUT = 400;
const MOST_OUTPUT = 60;
/** Jobs that a tenant who always wants more keeps in line. */
const BACKLOG = 3;
const DRAINED_AFTER = 2_000;

export interface SharingOptions {
  readonly steps: number;
  /** All tenants are one subject, so that nobody is treated fairly: shows that the measure sees it. */
  readonly isUnfair?: boolean;
}

export interface SharingReport {
  /**
   * Largest gap in service that opened between two tenants who always waited, as a part of what
   * the paper allows: 2 · max(w_p · L_input, w_q · M), with M the most tokens
   * that were in the engines at once.
   */
  readonly worstGap: number;
  readonly leases: number;
  readonly waited: number;
  readonly left: number;
  readonly unavailable: number;
  readonly deaths: number;
  readonly tokens: number;
}

/**
 * Tenants, replicas that die and come back, callers who leave, priorities, several models, all by a
 * seed. Throws when a place is free that somebody in line could have, when a replica or a model
 * gets more than it may have, when a lower class is served before a higher one that could be, and
 * when something is still taken at the end.
 */
export function simulateSharing(seed: number, options: SharingOptions): SharingReport {
  const world = new SharingWorld(createSeededRandom(seed), options.isUnfair === true);
  for (let step = 0; step < options.steps; step += 1) world.step();
  world.drain();
  return world.report();
}

interface SimulatedReplica extends Replica {
  isUp: boolean;
  isComing: boolean;
  running: number;
  speed: number;
  readonly maxConcurrency: number;
}

interface Tenant {
  readonly name: string;
  readonly weight: number;
  /** Always has jobs in line. */
  readonly isGreedy: boolean;
  readonly mostInput: number;
  readonly mostOutput: number;
  /** Weighted tokens it was served, divided by its weight; of its urgent jobs. */
  served: number;
}

interface SimulatedJob {
  readonly tenant: Tenant;
  readonly model: string;
  readonly candidates: readonly Target[];
  readonly priority: number;
  readonly inputTokens: number;
  outputLeft: number;
  outputDone: number;
  prefillLeft: number;
  waiting: Waiting | null;
  lease: ReplicaLease | null;
}

class SharingWorld {
  nowMs = 0;
  readonly #random: SeededRandom;
  readonly #isUnfair: boolean;
  readonly #replicas = new Map<string, SimulatedReplica>();
  readonly #models: readonly (readonly [string, readonly Target[]])[];
  readonly #limit: number;
  readonly #tenants: readonly Tenant[];
  readonly #scheduler: Scheduler;
  readonly #inLine = new Set<SimulatedJob>();
  readonly #running = new Set<SimulatedJob>();
  readonly #gaps = new Map<string, { least: number; most: number }>();
  #isDraining = false;
  #mostHeld = 0;
  #leases = 0;
  #waited = 0;
  #left = 0;
  #unavailable = 0;
  #deaths = 0;
  #tokens = 0;

  constructor(random: SeededRandom, isUnfair: boolean) {
    this.#random = random;
    this.#isUnfair = isUnfair;
    const count = 1 + random.int(4);
    for (let index = 0; index < count; index += 1) this.#addReplica(`gpu-${index}`);
    const targets = [...this.#replicas.keys()].map(toTarget);
    this.#models = [
      ['large', targets],
      ['small', targets],
      ['rare', targets.slice(-1)],
    ];
    this.#limit = random.next() < 0.3 ? 1 + random.int(count) : Number.POSITIVE_INFINITY;
    this.#tenants = Array.from({ length: 3 + random.int(4) }, (_, index) => ({
      name: `tenant-${index}`,
      weight: random.pick([0.5, 1, 1, 1, 2, 4]),
      isGreedy: index < 3,
      mostInput: 1 + random.int(MOST_INPUT),
      mostOutput: 1 + random.int(MOST_OUTPUT),
      served: 0,
    }));
    this.#scheduler = createScheduler({
      replicas: (id) => this.#replicas.get(id),
      settings: {
        maxWaiting: 10_000,
        modelConcurrency: new Map([['small', this.#limit]]),
        engineQueue: 8,
        stickyTokens: 1_000,
      },
      random: random.next,
    });
  }

  step(): void {
    this.nowMs += 10;
    this.#changeReplicas();
    this.#arrive();
    this.#leave();
    this.#work();
    this.#scheduler.pump(this.nowMs);
    this.#check();
    this.#measureGaps();
  }

  /** Nobody comes any more; everything that was taken must be given back. */
  drain(): void {
    this.#isDraining = true;
    for (let step = 0; this.#inLine.size + this.#running.size > 0; step += 1) {
      if (step > DRAINED_AFTER) throw new Error(`${this.#inLine.size} still wait`);
      this.nowMs += 10;
      for (const replica of this.#replicas.values()) replica.isUp = true;
      this.#work();
      this.#scheduler.pump(this.nowMs);
      this.#check();
    }
    for (const { backend, inFlight, prefillTokens } of this.#scheduler.views(this.nowMs)) {
      if (inFlight !== 0 || prefillTokens !== 0) throw new Error(`${backend} is not empty`);
    }
    if (this.#scheduler.lines().length > 0) throw new Error('a line is not empty');
  }

  report(): SharingReport {
    let worstGap = 0;
    for (const [pair, { least, most }] of this.#gaps) {
      worstGap = Math.max(worstGap, (most - least) / this.#allowedGap(pair));
    }
    return {
      worstGap,
      leases: this.#leases,
      waited: this.#waited,
      left: this.#left,
      unavailable: this.#unavailable,
      deaths: this.#deaths,
      tokens: this.#tokens,
    };
  }

  #addReplica(id: string): void {
    const replica: SimulatedReplica = {
      id,
      isUp: true,
      isComing: false,
      isLastResort: () => false,
      running: 0,
      speed: 1,
      maxConcurrency: 1 + this.#random.int(5),
      accepts: () => replica.isUp,
      engineLoad: () => null,
      share: () => replica.speed,
    };
    this.#replicas.set(id, replica);
  }

  /** The first never dies: somebody must be able to serve those who always wait. */
  #changeReplicas(): void {
    for (const replica of [...this.#replicas.values()].slice(1)) {
      if (replica.isUp && this.#random.next() < 0.01) {
        replica.isUp = false;
        replica.isComing = this.#random.next() < 0.5;
        this.#deaths += 1;
        for (const job of this.#running) {
          if (job.lease?.target.backend === replica.id) this.#end(job, 'failed');
        }
      } else if (!replica.isUp && this.#random.next() < 0.05) {
        replica.isUp = true;
        replica.speed = 0.1;
      } else {
        replica.speed = Math.min(1, replica.speed + 0.02);
      }
    }
  }

  #arrive(): void {
    for (const tenant of this.#tenants) {
      if (!tenant.isGreedy) {
        const isBurst = this.#random.next() < 0.03;
        const isUrgent = this.#random.next() < 0.5;
        for (let count = isBurst ? this.#random.int(8) : 0; count > 0; count -= 1) {
          this.#ask(tenant, isUrgent ? 1 : 2);
        }
        continue;
      }
      this.#fillUp(tenant);
    }
  }

  /** With model `large` alone: what always waits must be able to take any place that comes free. */
  #fillUp(tenant: Tenant): void {
    while (!this.#isDraining && this.#backlogOf(tenant) < BACKLOG) this.#ask(tenant, 1, 'large');
  }

  #backlogOf(tenant: Tenant): number {
    let count = 0;
    for (const job of this.#inLine) if (job.tenant === tenant) count += 1;
    return count;
  }

  #ask(tenant: Tenant, priority: number, only?: string): void {
    const random = this.#random;
    const [name, candidates] = random.pick(
      this.#models.filter(([name]) => name === (only ?? name)),
    );
    const inputTokens = 1 + random.int(tenant.mostInput);
    const job: SimulatedJob = {
      tenant,
      model: name,
      candidates,
      priority,
      inputTokens,
      outputLeft: 1 + random.int(tenant.mostOutput),
      outputDone: 0,
      prefillLeft: random.int(4),
      waiting: null,
      lease: null,
    };
    const asked = this.#scheduler.ask(
      {
        model: name,
        candidates,
        balance: random.pick(BALANCES),
        subject: this.#isUnfair ? 'everybody' : tenant.name,
        weight: tenant.weight,
        priority,
        inputTokens,
        prefix: Uint32Array.from({ length: random.int(5) }, (_, block) => block + 1),
        session: random.next() < 0.2 ? tenant.name : null,
      },
      this.nowMs,
      {
        onLease: (lease) => {
          if (!this.#inLine.delete(job)) throw new Error('a place for one who is not in line');
          this.#begin(job, lease);
          if (tenant.isGreedy) this.#fillUp(tenant);
        },
        onUnavailable: () => {
          if (!this.#inLine.delete(job)) throw new Error('told twice');
          if (this.#canBeTaken(job)) throw new Error('unavailable although a replica accepts');
          this.#unavailable += 1;
        },
      },
    );
    if (asked.kind === 'refused') {
      if (asked.why === 'full' || this.#canBeTaken(job)) throw new Error(`refused: ${asked.why}`);
      this.#unavailable += 1;
      return;
    }
    if (asked.kind === 'lease') return this.#begin(job, asked.lease);
    job.waiting = asked.waiting;
    this.#inLine.add(job);
    this.#waited += 1;
    if (random.next() < 0.01 && asked.waiting.position() >= this.#inLine.size) {
      throw new Error('more come before it than wait');
    }
  }

  #canBeTaken({ candidates }: SimulatedJob): boolean {
    return candidates.some(({ backend }) => this.#replicas.get(backend)?.isUp === true);
  }

  #begin(job: SimulatedJob, lease: ReplicaLease): void {
    const replica = this.#replicas.get(lease.target.backend);
    if (replica?.isUp !== true) throw new Error('a place at a replica that does not accept');
    replica.running += 1;
    if (replica.running > replica.maxConcurrency) throw new Error('more places than it has');
    job.lease = lease;
    job.waiting = null;
    this.#running.add(job);
    this.#leases += 1;
    this.#serve(job, job.inputTokens);
    if (this.#runningOf('small') > this.#limit) throw new Error('more than its model may have');
    const isSmallFull = this.#runningOf('small') >= this.#limit;
    for (const other of this.#inLine) {
      if (other.priority >= job.priority || (other.model === 'small' && isSmallFull)) continue;
      if (other.candidates.some(({ backend }) => backend === replica.id)) {
        throw new Error('served before one of a higher class');
      }
    }
  }

  #runningOf(model: string): number {
    let count = 0;
    for (const job of this.#running) if (job.model === model) count += 1;
    return count;
  }

  #serve({ tenant, priority }: SimulatedJob, weightedTokens: number): void {
    this.#tokens += weightedTokens;
    if (priority === 1) tenant.served += weightedTokens / tenant.weight;
  }

  /** Some leave the line, some in the middle of an answer; greedy ones stay, or they would not be. */
  #leave(): void {
    for (const job of [...this.#inLine]) {
      if (job.tenant.isGreedy || this.#random.next() > 0.01) continue;
      job.waiting?.leave();
      job.waiting?.leave();
      this.#inLine.delete(job);
      this.#left += 1;
    }
    for (const job of [...this.#running]) {
      if (this.#random.next() < 0.002) this.#end(job, 'cancelled');
    }
  }

  #work(): void {
    for (const job of [...this.#running]) {
      if (!this.#running.has(job)) continue;
      if (job.prefillLeft > 0) {
        job.prefillLeft -= 1;
        continue;
      }
      job.lease?.firstToken(this.nowMs);
      job.lease?.output(1);
      this.#serve(job, 2);
      job.outputLeft -= 1;
      job.outputDone += 1;
      if (job.outputLeft === 0) this.#end(job, 'ok');
    }
  }

  #end(job: SimulatedJob, result: 'ok' | 'failed' | 'cancelled'): void {
    const { lease } = job;
    if (lease === null) throw new Error('it has no place');
    this.#running.delete(job);
    const replica = this.#replicas.get(lease.target.backend);
    if (replica !== undefined) replica.running -= 1;
    lease.end(result, this.nowMs);
    lease.end('failed', this.nowMs);
  }

  /** Nobody waits for a place that is free. */
  #check(): void {
    const isSmallFull = this.#runningOf('small') >= this.#limit;
    for (const job of this.#inLine) {
      if (job.model === 'small' && isSmallFull) continue;
      for (const { backend } of job.candidates) {
        const replica = this.#replicas.get(backend);
        if (replica?.isUp === true && replica.running < replica.maxConcurrency) {
          throw new Error(`${backend} has a place that somebody waits for`);
        }
      }
    }
  }

  #measureGaps(): void {
    let held = 0;
    for (const job of this.#running) held += job.inputTokens + job.outputDone;
    this.#mostHeld = Math.max(this.#mostHeld, held);
    const greedy = this.#tenants.filter(({ isGreedy }) => isGreedy);
    for (const [index, one] of greedy.entries()) {
      for (const other of greedy.slice(index + 1)) {
        const pair = `${one.name} ${other.name}`;
        const gap = one.served - other.served;
        const { least, most } = this.#gaps.get(pair) ?? { least: gap, most: gap };
        this.#gaps.set(pair, { least: Math.min(least, gap), most: Math.max(most, gap) });
      }
    }
  }

  #allowedGap(pair: string): number {
    const tenants = this.#tenants.filter(({ name }) => pair.split(' ').includes(name));
    const input = Math.max(...tenants.map(({ mostInput }) => mostInput));
    const weight = Math.min(...tenants.map((tenant) => tenant.weight));
    return (2 * Math.max(input, 2 * this.#mostHeld)) / weight;
  }
}

function toTarget(backend: string): Target {
  return { backend, model: 'm', publicModel: 'm', price: null, weight: 1 };
}
