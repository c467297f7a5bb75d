import { GateError } from '../core/error.ts';
import type { ReplicaLease } from '../routing/scheduling.ts';
import { Attempt } from './attempt.ts';
import {
  type Failure,
  fromBadAnswer,
  fromEngine,
  fromRefusal,
  fromSendFailure,
} from './attempt-failure.ts';
import type { Asked } from './backend-words.ts';
import type { Course } from './course.ts';
import type { Exchange } from './exchange.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { hedged } from './hedge.ts';
import { whileAlive } from './keep-alive.ts';
import { type Answer, meter } from './meter.ts';
import { toOutputLimit } from './output-bound.ts';
import type { ReplyHead, SendFailure, SendOverrides } from './ports.ts';
import type { Call, OutputLimit } from './read.ts';
import { traceparentFor } from './trace.ts';

/** Read of a refusal's body; more than any engine says. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/**
 * One attempt after another until a backend answers, then the answer to the caller. Null when the
 * caller has the head of a stream already. Throws the error of the last attempt.
 */
export async function forward(
  exchange: Exchange,
  call: Call,
  course: Course,
  place: ReplicaLease,
): Promise<Response | null> {
  let lease = place;
  for (;;) {
    const ask = (at: ReplicaLease) => attempt(exchange, call, course, at);
    const result = await hedged(exchange, course, lease, ask);
    if ('deliver' in result) {
      // Whatever ended the request while its answer came is in the books already, and must be told.
      exchange.throwIfStopped();
      return result.deliver();
    }
    lease = await course.nextPlace(result);
  }
}

/** Asks one target. Returns its answer, or why there is none; throws what ends the request. */
async function attempt(
  exchange: Exchange,
  call: Call,
  course: Course,
  lease: ReplicaLease,
): Promise<Answer | Failure> {
  // Whatever ended the request since it was let in has settled it: nobody would pay for this.
  exchange.throwIfStopped();
  const { gate, generation } = exchange;
  const { target } = lease;
  let engine: { end(): void } | undefined;
  if (gate.engines.isManaged(target.backend)) {
    try {
      engine = await startEngine(exchange, target.backend);
    } catch (cause) {
      exchange.throwIfStopped();
      if (!(cause instanceof GateError)) throw cause;
      return fromEngine(exchange, begin(exchange, lease), cause);
    }
  }
  if (exchange.isFinished) {
    engine?.end();
    exchange.throwIfStopped();
  }
  const record = begin(exchange, lease);
  record.engine = engine;
  const body = call.bodyFor(target, outputLimitFor(exchange, target.backend));
  const asked: Asked = { body, model: target.model };
  if (exchange.attempts.length === 1) gate.retryBudget.count(target.backend, record.startedMs);
  record.begin();
  record.reply.sending = generation.sender.send(
    target,
    {
      method: 'POST',
      path: exchange.route.backendPath,
      headers: forwardedHeaders(exchange, call, traceparentFor(exchange, record)),
      body,
    },
    record.reply,
    deadlinesOf(exchange, course),
  );
  const head = await record.reply.head;
  if (isFailure(head)) return fromSendFailure(exchange, record, head, asked);
  record.status = head.status;
  if (head.status !== 200) {
    const words = await record.reply
      .collect(REFUSAL_BYTES_MAX, refusalTooLong)
      .catch(() => NO_BYTES);
    exchange.throwIfStopped();
    return fromRefusal(exchange, record, { head, body: words }, asked);
  }
  try {
    return await meter(exchange, record, head);
  } catch (cause) {
    exchange.throwIfStopped();
    if (!(cause instanceof GateError)) throw cause;
    return fromBadAnswer(exchange, record, cause, asked);
  }
}

/** Undefined, as for most, when the usual ones are right: the first attempt starts with the request. */
function deadlinesOf(exchange: Exchange, course: Course): SendOverrides | undefined {
  const { firstByteMs } = course.choice.model.routing;
  const isFirst = exchange.attempts.length === 1 && exchange.queueMs === 0;
  if (firstByteMs === null && isFirst) return undefined;
  return {
    ...(firstByteMs === null ? {} : { firstByteMs }),
    totalMs: exchange.leftMs(),
  };
}

function begin(exchange: Exchange, lease: ReplicaLease): Attempt {
  const record = new Attempt(exchange.gate, lease, exchange.route.endpoint);
  if (exchange.lease === lease) exchange.lease = undefined;
  exchange.attempts.push(record);
  return record;
}

/** Resolves when the model server runs; meanwhile the caller hears that it is waiting. */
function startEngine(exchange: Exchange, backend: string): Promise<{ end(): void }> {
  const { engines, clock, after } = exchange.gate;
  const sinceMs = clock.monotonicMs();
  const started = exchange.wait<{ end(): void }>((resolve, reject) => {
    const calledOff = new AbortController();
    const stopTimer = after(exchange.leftMs(), () => {
      calledOff.abort();
      reject(new GateError('backend_loading', 'The backend is still being started.'));
    });
    engines
      .use(backend, calledOff.signal)
      .then(
        (use) => (calledOff.signal.aborted ? use.end() : resolve(use)),
        (error) => reject(error),
      )
      .finally(stopTimer);
    return () => {
      stopTimer();
      calledOff.abort();
    };
  });
  return whileAlive(exchange, started, () => 'the model is being loaded').finally(() => {
    if (clock.monotonicMs() - sinceMs > 100) exchange.note(`waited for ${backend} to start`);
  });
}

/** What this backend is told of where to stop, in its words. */
export function outputLimitFor(
  { outputLimit, generation }: Exchange,
  backend: string,
): OutputLimit | null {
  return outputLimit === null ? null : toOutputLimit(generation, outputLimit, backend);
}

const NO_BYTES = new Uint8Array(0);
const refusalTooLong = () => new GateError('backend_error', 'The backend failed.');

function isFailure(answer: ReplyHead | SendFailure): answer is SendFailure {
  return 'stage' in answer;
}
