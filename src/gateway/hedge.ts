import type { Hedge } from '../routing/model-table.ts';
import type { ReplicaLease } from '../routing/scheduling.ts';
import type { Failure } from './attempt-failure.ts';
import type { Course } from './course.ts';
import type { Exchange } from './exchange.ts';
import type { Answer } from './meter.ts';

type Result = Answer | Failure;

/**
 * One attempt, and beside it a second one when the first has no content after the model's hedge
 * delay. Whichever has content first answers; the other is called off.
 */
export async function hedged(
  exchange: Exchange,
  course: Course,
  lease: ReplicaLease,
  ask: (lease: ReplicaLease) => Promise<Result>,
): Promise<Result> {
  const { hedge } = course.choice.model.routing;
  if (hedge === null) return ask(lease);
  const { hedges } = exchange.gate;
  const model = course.choice.model.name;
  const delayMs = hedges.delayMs(model, hedge);
  hedges.count(model, hedge);
  const first = watched(ask(lease));
  if (delayMs === null) return timed(exchange, model, await first.promise);
  await new Promise<void>((resolve) => {
    const stopTimer = exchange.gate.after(delayMs, resolve);
    const wake = () => {
      stopTimer();
      resolve();
    };
    first.promise.then(wake, wake);
  });
  if (first.isDone) return timed(exchange, model, await first.promise);
  exchange.throwIfStopped();
  const other = hedges.mayHedge(model) ? course.besides(lease) : null;
  if (other === null) return timed(exchange, model, await first.promise);
  hedges.spend(model);
  exchange.gate.counters.hedges += 1;
  exchange.note(`hedged after ${Math.round(delayMs)} ms at ${other.target.backend}`);
  const second = watched(ask(other));
  const winner = await Promise.race([first.promise, second.promise]);
  const loser = winner === first.value ? second : first;
  if (!('deliver' in winner)) {
    course.failedBeside(winner);
    return timed(exchange, model, await loser.promise);
  }
  for (const each of exchange.attempts) if (each !== winner.attempt) each.giveUp();
  return timed(exchange, model, winner);
}

interface Watched {
  readonly promise: Promise<Result>;
  readonly isDone: boolean;
  readonly value: Result | undefined;
}

function watched(promise: Promise<Result>): Watched {
  let isDone = false;
  let value: Result | undefined;
  promise.then(
    (result) => {
      isDone = true;
      value = result;
    },
    // Whoever awaits it gets the error; nobody may be left who does.
    () => {
      isDone = true;
    },
  );
  return {
    promise,
    get isDone() {
      return isDone;
    },
    get value() {
      return value;
    },
  };
}

function timed(exchange: Exchange, model: string, result: Result): Result {
  const { startedMs, firstTokenMs } = result.attempt;
  if (firstTokenMs !== undefined) exchange.gate.hedges.note(model, firstTokenMs - startedMs);
  return result;
}

/** First tokens that a percentile is drawn from, and the fewest that it takes. */
const SAMPLES_MAX = 256;
const SAMPLES_MIN = 20;
/** Hedges that may be saved up in quiet times. */
const CREDIT_MAX = 10;

/** When models that are hedged are late, and how often they may be hedged. */
export class Hedges {
  readonly #models = new Map<string, { samples: number[]; at: number; credit: number }>();

  /** Milliseconds after which a second attempt is worth it; null while nobody can tell. */
  delayMs(model: string, { after }: Hedge): number | null {
    if ('ms' in after) return after.ms;
    const { samples } = this.#of(model);
    if (samples.length < SAMPLES_MIN) return null;
    const sorted = samples.toSorted((a, b) => a - b);
    return (
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * after.percentile))] ?? null
    );
  }

  /** A request came: so much of a hedge may be spent on it. */
  count(model: string, { budget }: Hedge): void {
    const known = this.#of(model);
    known.credit = Math.min(CREDIT_MAX, known.credit + budget);
  }

  mayHedge(model: string): boolean {
    return this.#of(model).credit >= 1;
  }

  /** A hedge is sent: a full pool costs nothing. */
  spend(model: string): void {
    this.#of(model).credit -= 1;
  }

  note(model: string, firstTokenMs: number): void {
    const known = this.#of(model);
    if (known.samples.length < SAMPLES_MAX) known.samples.push(firstTokenMs);
    else known.samples[known.at] = firstTokenMs;
    known.at = (known.at + 1) % SAMPLES_MAX;
  }

  #of(model: string) {
    const found = this.#models.get(model);
    if (found !== undefined) return found;
    const fresh = { samples: [], at: 0, credit: 1 };
    this.#models.set(model, fresh);
    return fresh;
  }
}
