import { GateError } from '../core/error.ts';
import { backoffMs } from '../routing/backoff.ts';
import type { FallbackCause } from '../routing/fallback-cause.ts';
import type { Target } from '../routing/model-table.ts';
import type { Choice } from '../routing/plan.ts';
import type { ReplicaLease } from '../routing/scheduling.ts';
import type { Attempt } from './attempt.ts';
import type { Failure } from './attempt-failure.ts';
import type { Exchange } from './exchange.ts';
import { findFreePlace, queue } from './queue.ts';
import type { Asked } from './reserve.ts';
import type { Plan } from './route.ts';

/**
 * The way of one request through its plan: what has been tried, and what comes next. The only
 * retry layer there is. It goes on when that can help and cannot hurt: nothing of the request can
 * have been worked on, or working on it twice is allowed; few enough attempts were made, the
 * backend's retry budget is not used up, and there is time left.
 */
export class Course {
  readonly #exchange: Exchange;
  readonly #asked: Asked;
  readonly #plan: Plan;
  #choice: Choice;
  readonly #tried: Target[] = [];
  /** How many of the stand-ins for a cause were asked for a place. */
  readonly #spares: Partial<Record<FallbackCause, number>> = {};
  /** Credentials that this request was refused with, each after the id of its backend. */
  readonly #refused: string[] = [];
  /** Attempts that may have reached a backend. */
  #reached = 0;
  /** Waits for a backend that was asked before. */
  #waits = 0;
  /** One of two attempts that ran beside each other failed in a way that allows no other. */
  #isUnsafe = false;

  constructor(exchange: Exchange, asked: Asked, plan: Plan) {
    this.#exchange = exchange;
    this.#asked = asked;
    this.#plan = plan;
    this.#choice = plan.choice;
  }

  /** What the attempts are made for now: the model asked for, or one that stands in for it. */
  get choice(): Choice {
    return this.#choice;
  }

  /** The place of the first attempt. Throws when neither the model nor a spare has one. */
  async firstPlace(): Promise<ReplicaLease> {
    const { targets } = this.#plan.choice;
    const place = targets.length === 0 ? nobody() : await this.#place(this.#choice, targets);
    if (!(place instanceof GateError)) return place;
    return (await this.#spare(place)) ?? fail(place);
  }

  /** An attempt failed while another one went on beside it. */
  failedBeside({ attempt, isSafe }: Failure): void {
    this.#tried.push(attempt.target);
    if (attempt.reached) this.#reached += 1;
    if (!isSafe) this.#isUnsafe = true;
  }

  /** The place of the next attempt after one that failed. Throws its error when there is none. */
  async nextPlace(failure: Failure): Promise<ReplicaLease> {
    const { attempt, error, hasOtherCredential } = failure;
    const exchange = this.#exchange;
    exchange.throwIfStopped();
    this.failedBeside(failure);
    const cause = fallbackCauseOf(error);
    if (cause === null || this.#isUnsafe || exchange.leftMs() === 0) throw error;
    if (cause === 'context' || cause === 'refused')
      return (await this.#spare(error)) ?? fail(error);
    if (hasOtherCredential && this.#isFirstRefusal(attempt)) {
      const again = await this.#place(this.#choice, [attempt.target]);
      if (!(again instanceof GateError)) return again;
    }
    const { retries } = exchange.generation;
    if (attempt.reached && this.#reached >= retries.attempts) throw error;
    const others = this.#choice.targets.filter((target) => !this.#tried.includes(target));
    if (others.length > 0) {
      const place = await this.#place(this.#choice, others);
      if (!(place instanceof GateError)) return this.#moveOn(failure, place);
    }
    const spare = await this.#spare(error);
    if (spare !== null) return this.#moveOn(failure, spare);
    // Asked for before the wait, so that nobody waits for nothing.
    if (attempt.reached) this.#takeRetry(attempt.target.backend, error);
    return this.#count(await this.#againLater(error));
  }

  /** A backend that limits each key for no time at all would be asked with them in turn for ever. */
  #isFirstRefusal({ target, reply }: Attempt): boolean {
    const name = `${target.backend} ${reply.sending?.credential ?? 0}`;
    if (this.#refused.includes(name)) return false;
    this.#refused.push(name);
    return true;
  }

  /**
   * Elsewhere. That costs no budget where nearly everything succeeds: a backend that dies hands over
   * all that it was working on, and there it will be answered. Where more fails than the budget
   * allows for, another attempt is what storms are made of. Throws when there is none left.
   */
  #moveOn({ attempt, error }: Failure, place: ReplicaLease): ReplicaLease {
    const { health, retryBudget, clock } = this.#exchange.gate;
    const { backend } = place.target;
    const isWell =
      backend !== attempt.target.backend &&
      health.failingShare(backend, clock.monotonicMs()) < retryBudget.ratio;
    // The place is given back by the settlement.
    if (attempt.reached && !isWell) this.#takeRetry(backend, error);
    return this.#count(place);
  }

  /**
   * A free place at another backend while the attempt at this one goes on; null for none. Neither
   * waits for a model server to start: that is no slow answer, and nobody could call it off.
   */
  besides(lease: ReplicaLease): ReplicaLease | null {
    const { caller, call } = this.#asked;
    const { lease: unused, gate } = this.#exchange;
    if (unused === lease) return null;
    const candidates = this.#choice.targets.filter(
      (other) =>
        other.backend !== lease.target.backend &&
        !this.#tried.includes(other) &&
        !gate.engines.isManaged(other.backend),
    );
    if (candidates.length === 0) return null;
    return findFreePlace(this.#exchange, { caller, call, choice: this.#choice, candidates });
  }

  /** The same backends again, after a wait that they asked for or that grows by itself. */
  async #againLater(error: GateError): Promise<ReplicaLease> {
    const { gate, generation } = this.#exchange;
    const { attempts, backoffMs: baseMs, maxWaitMs } = generation.retries;
    this.#waits += 1;
    if (this.#waits >= attempts) throw error;
    const waitMs = backoffMs({
      attempt: this.#waits,
      baseMs,
      maxMs: maxWaitMs,
      retryAfterMs: error.retryAfterMs,
      random: gate.random(),
    });
    if (waitMs === null || waitMs >= this.#exchange.leftMs()) throw error;
    this.#exchange.note(`waits ${Math.round(waitMs)} ms before it asks again`);
    await this.#exchange.wait<void>((resolve) => gate.after(waitMs, resolve));
    const place = await this.#place(this.#choice, this.#choice.targets);
    if (place instanceof GateError) throw error;
    return place;
  }

  /** A place at the next model that stands in for this failure; null when there is none. */
  async #spare(error: GateError): Promise<ReplicaLease | null> {
    const cause = fallbackCauseOf(error);
    if (cause === null) return null;
    const askedBefore = this.#spares[cause] ?? 0;
    for (const [index, next] of this.#plan.fallbacks[cause].entries()) {
      if (index < askedBefore) continue;
      this.#spares[cause] = index + 1;
      const targets = next.targets.filter((target) => !this.#tried.includes(target));
      if (targets.length === 0) continue;
      this.#exchange.note(`falls back to ${next.model.name}: ${error.code}`);
      const place = await this.#place(next, targets);
      if (place instanceof GateError) continue;
      this.#choice = next;
      return place;
    }
    return null;
  }

  /** A place, or why there is none. What ends the request is thrown. */
  async #place(choice: Choice, candidates: readonly Target[]): Promise<ReplicaLease | GateError> {
    const { caller, call } = this.#asked;
    try {
      return await queue(this.#exchange, { caller, call, choice, candidates });
    } catch (cause) {
      this.#exchange.throwIfStopped();
      if (cause instanceof GateError && fallbackCauseOf(cause) !== null) return cause;
      throw cause;
    }
  }

  #takeRetry(backend: string, error: GateError): void {
    const { retryBudget, clock, counters } = this.#exchange.gate;
    if (retryBudget.take(backend, clock.monotonicMs())) return;
    counters.retriesDenied += 1;
    this.#exchange.denyRetries();
    this.#exchange.note(`no retry: the retry budget of ${backend} is used up`);
    throw error;
  }

  #count(place: ReplicaLease): ReplicaLease {
    this.#exchange.gate.counters.retries += 1;
    return place;
  }
}

function nobody(): GateError {
  return new GateError('no_backend_available', 'No backend of this model may answer this request.');
}

function fail(error: GateError): never {
  throw error;
}

/** What kind of spare could help; null for what would fail anywhere. */
function fallbackCauseOf({ code }: GateError): FallbackCause | null {
  switch (code) {
    case 'context_length_exceeded':
    case 'request_too_large':
      return 'context';
    case 'content_blocked':
      return 'refused';
    case 'rate_limit_exceeded':
    case 'queue_timeout':
    case 'overloaded':
      return 'rate_limited';
    case 'backend_error':
    case 'backend_protocol_error':
    case 'backend_stream_broken':
    case 'backend_timeout':
    case 'backend_loading':
    case 'no_backend_available':
    case 'model_not_found':
      return 'unavailable';
    default:
      return null;
  }
}
