import { GateError } from '../core/error.ts';
import type { Key } from '../core/key.ts';
import type { Target } from '../routing/model-table.ts';
import type { Choice } from '../routing/plan.ts';
import { hashPrefix } from '../routing/prefix-hashes.ts';
import type { Job, ReplicaLease } from '../routing/scheduling.ts';
import type { Exchange } from './exchange.ts';
import { whileAlive } from './keep-alive.ts';
import type { Call } from './read.ts';

/** Header in which a caller may put itself behind others. */
export const PRIORITY_HEADER = 'x-llmgate-priority';

/** The tag of a key that names its class. */
const PRIORITY_TAG = 'priority';

/** Who waits for a place and what for. */
export interface Applicant {
  readonly caller: Key;
  readonly call: Call;
  readonly choice: Choice;
  /** Those of the choice that may still be asked. Never empty. */
  readonly candidates: readonly Target[];
}

/** Who waits for nothing and comes after everybody who does. */
export interface Bystander extends Applicant {
  /** Whom the scheduler counts the place for, instead of the model. */
  readonly countedAs: string;
}

/**
 * Whose turn is it? A place at one of the candidates, at once or after waiting in line. Throws 503
 * when none of them will have one, 429 `queue_timeout` when the wait was too long.
 */
export function queue(
  exchange: Exchange,
  applicant: Applicant,
): ReplicaLease | Promise<ReplicaLease> {
  // What is taken for a request that is over would never be given back.
  exchange.throwIfStopped();
  const { scheduler, clock, after } = exchange.gate;
  const job = toJob(exchange, applicant);
  const line = new Line();
  const asked = scheduler.ask(job, clock.monotonicMs(), line);
  if (asked.kind === 'lease') return taken(exchange, asked.lease);
  if (asked.kind === 'refused') throw refusal(asked.why);
  const { waiting } = asked;
  const maxWaitMs = Math.min(exchange.generation.queue.maxWaitMs, exchange.leftMs());
  const sinceMs = clock.monotonicMs();
  exchange.note(`waits in line, ${waiting.position()} before it`);
  const place = exchange.wait<ReplicaLease>((resolve, reject) => {
    const stopTimer = after(maxWaitMs, () => {
      waiting.leave();
      reject(timedOut(exchange, applicant, maxWaitMs));
    });
    line.onLease = (lease) => {
      stopTimer();
      resolve(taken(exchange, lease));
    };
    line.onUnavailable = () => {
      stopTimer();
      reject(refusal('unavailable'));
    };
    return () => {
      stopTimer();
      waiting.leave();
    };
  });
  const inLine = () => {
    const leftMs = Math.max(0, maxWaitMs - (clock.monotonicMs() - sinceMs));
    return `in line, ${waiting.position()} before you, for ${Math.ceil(leftMs / 1_000)} s at most`;
  };
  return whileAlive(exchange, place, inLine);
}

/** A place that is free now, at a replica of the candidates; null when there is none. */
export function findFreePlace(
  exchange: Exchange,
  applicant: Applicant | Bystander,
): ReplicaLease | null {
  const { scheduler, clock } = exchange.gate;
  const own = toJob(exchange, applicant);
  const { priorities } = exchange.generation.queue;
  const job =
    'countedAs' in applicant
      ? { ...own, model: applicant.countedAs, priority: priorities.length }
      : own;
  const asked = scheduler.ask(job, clock.monotonicMs(), new Line());
  if (asked.kind === 'lease') return taken(exchange, asked.lease);
  if (asked.kind === 'waiting') asked.waiting.leave();
  return null;
}

/** Settlement gives it back until an attempt has it. */
function taken(exchange: Exchange, lease: ReplicaLease): ReplicaLease {
  exchange.lease = lease;
  return lease;
}

/** Filled in once there is somebody to tell. */
class Line {
  onLease: (lease: ReplicaLease) => void = () => {};
  onUnavailable: () => void = () => {};
}

function toJob(exchange: Exchange, { caller, call, choice, candidates }: Applicant): Job {
  const { queue: rules } = exchange.generation;
  const { model } = choice;
  const { balance } = model.routing;
  const subject = caller[SUBJECTS[rules.fairBy]] ?? caller.id;
  const isSticky = balance === 'sticky' && candidates.length > 1;
  return {
    model: model.name,
    candidates,
    balance,
    subject,
    weight: rules.weights.size === 0 ? 1 : (rules.weights.get(subject) ?? 1),
    priority: priorityOf(exchange, caller),
    inputTokens: call.shape.inputTokens,
    prefix: isSticky ? prefixOf(exchange, call, model.name) : NO_PREFIX,
    session: choice.session,
  };
}

const SUBJECTS = { key: 'id', user: 'user', team: 'team', tenant: 'tenant' } as const;
const NO_PREFIX = new Uint32Array(0);

/** Worked out once a request: another attempt has the same prompt. */
function prefixOf(exchange: Exchange, call: Call, model: string): Uint32Array {
  exchange.prefix ??= call.prompt === null ? NO_PREFIX : hashPrefix(call.prompt(model));
  return exchange.prefix;
}

/**
 * The class of the key, or a later one that the caller asks for: only an operator can put somebody
 * before others. Throws 400 for a class that does not exist.
 */
function priorityOf({ generation, request }: Exchange, caller: Key): number {
  const { priorities, defaultPriority } = generation.queue;
  const own = priorities.indexOf(caller.tags[PRIORITY_TAG] ?? defaultPriority);
  const granted = own === -1 ? priorities.indexOf(defaultPriority) : own;
  const asked = request.headers.get(PRIORITY_HEADER);
  if (asked === null) return granted;
  const wanted = priorities.indexOf(asked);
  if (wanted === -1) {
    const known = priorities.join(', ');
    const message = `There is no priority of that name in ${PRIORITY_HEADER}; there is: ${known}.`;
    throw new GateError('invalid_request', message);
  }
  return Math.max(granted, wanted);
}

function refusal(why: 'unavailable' | 'full'): GateError {
  return why === 'full'
    ? new GateError('overloaded', 'Too many requests wait for a place at this model already.')
    : new GateError('no_backend_available', 'No backend of this model can be reached right now.');
}

function timedOut({ gate }: Exchange, { candidates }: Applicant, waitedMs: number): GateError {
  const nowMs = gate.clock.monotonicMs();
  const isReady = candidates.some(({ backend }) => gate.health.accepts(backend, nowMs));
  if (!isReady) return new GateError('backend_loading', 'The backend is still being started.');
  const seconds = Math.round(waitedMs / 100) / 10;
  const message = `No backend of this model had room within ${seconds} seconds.`;
  return new GateError('queue_timeout', message);
}
