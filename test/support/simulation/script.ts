import { GateError } from '../../../src/core/error.ts';
import { WINDOWS } from '../../../src/core/key.ts';
import { usageBoundsOf } from '../../../src/gateway/usage-bounds.ts';
import { BUDGET_SCOPES } from '../../../src/pricing/budget-rule.ts';
import type { BudgetTarget } from '../../../src/pricing/budget-target.ts';
import { saneUsage } from '../../../src/pricing/usage-sanity.ts';
import type { AttemptRow, FinishedRow } from '../../../src/store/rows.ts';
import { checkAtRest } from './check-at-rest.ts';
import { FakeCaller } from './fake-caller.ts';
import type { Fault, Plant } from './plant.ts';
import { SUBJECTS, someAmount } from './scene.ts';

type Act = () => string | null | Promise<string | null>;

const HOUR_MS = 3_600_000;
const IN_FLIGHT_MAX = 12;

/** What can happen, how often, and what it does to the plant. */
export class Script {
  readonly #plant: Plant;
  readonly #note: (line: string) => void;
  readonly #acts: readonly (readonly [weight: number, name: string, act: Act])[];
  readonly #weights: number;
  #callers: FakeCaller[] = [];
  #old: { readonly row: FinishedRow; readonly attempts: readonly AttemptRow[] }[] = [];
  #crashes = 0;

  constructor(plant: Plant, note: (line: string) => void) {
    this.#plant = plant;
    this.#note = note;
    this.#acts = [
      [26, 'a caller asks', () => this.#ask()],
      [90, 'a vendor', () => this.#vendor()],
      [45, 'a caller reads', () => this.#read()],
      [60, 'the turn ends', () => this.#turn()],
      [6, 'a caller leaves', () => this.#leave()],
      [2, 'a caller stops reading', () => this.#cancel()],
      [12, 'time passes', () => this.#pass()],
      [2, 'the clock jumps', () => this.#jump()],
      [2, 'a reload', () => this.#reload()],
      [5, 'budgets', () => this.#budgets()],
      [4, 'the store', () => this.#fault()],
      [3, 'a crash', () => this.#crash()],
      [1, 'a clean restart', () => this.#restart()],
      [4, 'a settlement again', () => this.#replay()],
      [3, 'a second end', () => this.#endAgain()],
      [7, 'usage is noted', () => this.#noteProgress()],
      [2, 'an operator cuts', () => this.#cut()],
      [2, 'an event', () => this.#event()],
      [3, 'a backend', () => this.#backend()],
      [2, 'rest', () => this.#rest()],
    ];
    this.#weights = this.#acts.reduce((sum, [weight]) => sum + weight, 0);
  }

  async step(): Promise<void> {
    const { random } = this.#plant;
    let draw = random.int(this.#weights);
    for (const [weight, name, act] of this.#acts) {
      draw -= weight;
      if (draw >= 0) continue;
      const said = await act();
      if (said !== null) this.#note(`${name}: ${said}`);
      break;
    }
    // Not everything that could go on does: a crash may come between any two awaits.
    await turns(random.pick([0, 0, 1, 1, 2, 3, 5, 8, 30]));
  }

  report() {
    const plant = this.#plant;
    const outcomes = Object.fromEntries(
      plant
        .query('SELECT outcome, count(*) AS count FROM request_log GROUP BY 1 ORDER BY 1')
        .map(({ outcome, count }) => [String(outcome), Number(count)]),
    );
    const [sums] = plant.query(
      `SELECT count(*) AS requests, coalesce(sum(estimated), 0) AS estimated,
         coalesce(sum(attempts > 1), 0) AS retried, coalesce(sum(key = 'shadow'), 0) AS copies
       FROM request_log`,
    );
    const [last] = plant.query('SELECT hash FROM request_log ORDER BY seq DESC LIMIT 1');
    return {
      requests: Number(sums?.['requests']),
      estimated: Number(sums?.['estimated']),
      retried: Number(sums?.['retried']),
      copies: Number(sums?.['copies']),
      inLine: plant.inLine,
      crashes: this.#crashes,
      shrunk: plant.shrunk,
      outcomes,
      head: String(last?.['hash'] ?? ''),
    };
  }

  /** Everything that runs comes to its end. */
  async comeToRest(): Promise<void> {
    const plant = this.#plant;
    plant.setFault('none');
    plant.away.clear();
    const { random } = plant;
    const isBusy = () =>
      plant.gate.inFlight.size > 0 ||
      plant.gate.shadows.size > 0 ||
      plant.hasWork ||
      plant.store.ledger.stats().queued > 0;
    for (let round = 0; isBusy() || round < 3; round += 1) {
      if (round > 400) return plant.fail('requests do not come to an end');
      for (const caller of this.#callers) {
        if (random.int(30) === 0) caller.leave();
        else caller.read();
      }
      for (const request of this.#live()) {
        if (round > 20) request.finish();
        else if (request.state === 'asked' || !request.isPaused) request.step();
      }
      await turns(40);
      plant.gate.scheduler.pump(plant.clock.monotonicMs());
      // Not at once: who waits in line should mostly get their turn.
      plant.runTimers(round % 5 === 4);
      plant.endTurn();
      await turns(40);
    }
    for (let round = 0; round < 60; round += 1) {
      for (const caller of this.#callers) caller.read();
      await turns(6);
    }
    plant.runTimers(true);
    while (plant.hasWork) {
      plant.endTurn();
      await turns(20);
    }
    for (const caller of this.#callers) {
      if (!caller.isOver)
        plant.fail(
          `a caller of ${caller.asked} (${caller.id} ${caller.status} ${caller.model}) got no end: ${caller.text.slice(-200)}`,
        );
    }
    this.#keepOld();
    this.#callers = [];
  }

  #live() {
    const { known, epoch } = this.#plant;
    return [...known.values()]
      .filter((request) => request.epoch === epoch)
      .flatMap(({ asked }) => asked.filter(({ isLive }) => isLive));
  }

  #ask(): string | null {
    const { gate } = this.#plant;
    if (gate.inFlight.size >= IN_FLIGHT_MAX) return null;
    const caller = new FakeCaller(this.#plant);
    this.#callers.push(caller);
    return `${caller.asked}${caller.streamed ? ' streamed' : ''} of ${caller.model}`;
  }

  #vendor(): string | null {
    const live = this.#live();
    if (live.length === 0) return null;
    const request = this.#plant.random.pick(live);
    return `${request.id.slice(-4)} ${request.endpoint} ${request.reporting}: ${request.step()}`;
  }

  #read(): string | null {
    const reading = this.#callers.filter(({ isOver, isWaiting }) => !isOver && !isWaiting);
    if (reading.length === 0) return null;
    const caller = this.#plant.random.pick(reading);
    caller.read();
    return caller.id.slice(-4);
  }

  async #turn(): Promise<string | null> {
    const plant = this.#plant;
    await turns(plant.random.int(12));
    if (!plant.hasWork) return null;
    plant.endTurn();
    return 'written';
  }

  #leave(): string | null {
    const present = this.#callers.filter(({ isOver }) => !isOver);
    if (present.length === 0) return null;
    const caller = this.#plant.random.pick(present);
    caller.leave();
    return caller.id.slice(-4) || 'before an answer';
  }

  #cancel(): string | null {
    const reading = this.#callers.filter(({ isOver, isWaiting }) => !isOver && !isWaiting);
    if (reading.length === 0) return null;
    const caller = this.#plant.random.pick(reading);
    caller.cancel();
    return caller.id.slice(-4);
  }

  #pass(): string {
    const { clock, random } = this.#plant;
    const ms = random.pick([0.25, 1, 7.125, 90, 800, 5_000]);
    clock.advance(ms);
    this.#plant.runTimers();
    return `${ms} ms`;
  }

  #jump(): string {
    const { clock, random } = this.#plant;
    const ms = random.pick([
      HOUR_MS,
      -HOUR_MS,
      HOUR_MS / 4,
      24 * HOUR_MS,
      31 * 24 * HOUR_MS,
      -90_000,
    ]);
    clock.setWall(clock.nowMs() + ms);
    return `${ms} ms`;
  }

  #reload(): string {
    this.#plant.reload();
    return `${this.#plant.scene.rules.length} rules`;
  }

  #budgets(): string | null {
    const plant = this.#plant;
    const { random, store, clock } = plant;
    if (plant.fault !== 'none') return null;
    const target = this.#someTarget();
    const { per, subject, measure, window } = target;
    const amount = someAmount(random, measure);
    const createdAtMs = clock.nowMs();
    const common = { ...target, amount, createdAtMs };
    const windowStartMs = plant.budgets.starts()[window];
    plant.naive.advance(clock.nowMs());
    if (!plant.naive.isWindowStart(window, windowStartMs)) {
      plant.fail(`${window} does not begin at ${windowStartMs} in ${plant.scene.zone}`);
    }
    const kind = random.pick(['set', 'remove', 'top_up', 'raise', 'reset'] as const);
    store.transact(() => {
      if (kind === 'set') store.budgets.putBudget({ ...target, limit: amount, createdAtMs });
      else if (kind === 'remove') store.budgets.removeBudget(target);
      else if (kind === 'raise') {
        const untilMs = createdAtMs + random.int(random.pick([15_000, 3 * HOUR_MS]));
        store.budgets.addGrant({ ...common, kind, windowStartMs: null, untilMs });
      } else {
        const spent = plant.budgets.spent(per, subject)[measure][window];
        const of = kind === 'reset' ? spent : amount;
        store.budgets.addGrant({ ...common, amount: of, kind, windowStartMs, untilMs: null });
      }
      store.audit.record({
        ...{ atMs: createdAtMs, actor: 'ada', origin: 'simulation', action: `budget.${kind}` },
        ...{ target: subject, before: null, after: { amount } },
      });
    });
    plant.refreshBudgets();
    return `${kind} ${per} ${subject} ${measure} ${window}`;
  }

  /** Mostly one that there is a budget for. */
  #someTarget(): BudgetTarget {
    const { random, scene } = this.#plant;
    if (scene.rules.length > 0 && random.int(4) > 0) {
      const { per, name, measure, window } = random.pick(scene.rules);
      return { per, subject: name ?? random.pick(SUBJECTS[per]), measure, window };
    }
    const per = random.pick(BUDGET_SCOPES);
    const measure = random.pick(['usd', 'tokens'] as const);
    return { per, subject: random.pick(SUBJECTS[per]), measure, window: random.pick(WINDOWS) };
  }

  #fault(): string {
    const plant = this.#plant;
    const fault: Fault =
      plant.fault === 'none' ? plant.random.pick(['read_only', 'full', 'full', 'busy']) : 'none';
    plant.setFault(fault);
    return fault;
  }

  async #crash(): Promise<string> {
    this.#crashes += 1;
    this.#keepOld();
    this.#plant.crash();
    this.#callers = [];
    await turns(this.#plant.random.int(20));
    await this.#plant.start();
    return `${this.#plant.store.recovered} were open`;
  }

  async #restart(): Promise<string> {
    this.#keepOld();
    await this.#plant.stop();
    this.#callers = [];
    await this.#plant.start();
    const { recovered } = this.#plant.store;
    if (recovered > 0) this.#plant.fail(`a clean stop left ${recovered} requests open`);
    return 'again';
  }

  #keepOld(): void {
    for (const { settled } of this.#plant.known.values()) {
      if (settled !== null && this.#old.length < 50) this.#old.push(settled);
    }
  }

  #replay(): string | null {
    if (this.#old.length === 0) this.#keepOld();
    const { store, random } = this.#plant;
    // What is not on record yet is still the gateway's own to repeat.
    const written = this.#old.filter(({ row }) => this.#plant.finished(row.id) !== undefined);
    if (written.length === 0) return null;
    const { row, attempts } = random.pick(written);
    store.ledger.settle(row, attempts).catch(() => {});
    return row.id.slice(-4);
  }

  #endAgain(): string | null {
    const { gate, random } = this.#plant;
    const all = gate.inFlight.all();
    if (all.length === 0) return null;
    const exchange = random.pick(all);
    exchange.callerGone();
    exchange.callerGone();
    exchange.finish({ kind: 'refused', code: 'internal' }, 500);
    return exchange.id.slice(-4);
  }

  #noteProgress(): string {
    const { gate, random, clock } = this.#plant;
    let noted = 0;
    for (const exchange of gate.inFlight.all()) {
      const soFar = exchange.usageSoFar?.();
      if (!soFar?.produced) continue;
      gate.journal.progress(exchange.id, saneUsage(soFar.usage, usageBoundsOf(exchange)).usage);
      noted += 1;
    }
    if (noted > 0 && random.int(2) === 0) {
      // Notes are written once a second.
      clock.advance(1_000);
      this.#plant.runTimers();
    }
    return `${noted}`;
  }

  #cut(): string | null {
    const { gate, random } = this.#plant;
    const all = gate.inFlight.all();
    if (all.length === 0) return null;
    const exchange = random.pick(all);
    exchange.stop(new GateError('draining', 'The gateway is shutting down.'));
    return exchange.id.slice(-4);
  }

  #event(): string | null {
    const { store, clock, fault } = this.#plant;
    if (fault !== 'none') return null;
    const said = { atMs: clock.nowMs(), actor: 'ada', origin: 'simulation', action: 'key.create' };
    store.transact(() =>
      store.audit.record({ ...said, target: 'K', before: null, after: { name: 'k' } }),
    );
    return 'recorded';
  }

  /** A backend goes away or comes back, and who waits for it is told. */
  #backend(): string {
    const { away, gate, clock, random } = this.#plant;
    const id = random.pick(['box', 'cloud']);
    if (!away.delete(id)) away.add(id);
    gate.scheduler.pump(clock.monotonicMs());
    return `${id} is ${away.has(id) ? 'away' : 'there'}`;
  }

  async #rest(): Promise<string> {
    await this.comeToRest();
    await checkAtRest(this.#plant);
    return `${this.#plant.known.size} requests so far`;
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}
