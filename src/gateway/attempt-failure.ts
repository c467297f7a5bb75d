import { type GateError, traitsOf } from '../core/error.ts';
import type { AttemptOutcome } from '../observe/metrics/request-fact.ts';
import type { Attempt } from './attempt.ts';
import { failureToError, refusalToError } from './backend-failure.ts';
import { type Asked, repeatsRequest, withoutSecrets } from './backend-words.ts';
import type { Exchange } from './exchange.ts';
import type { ReplyHead, SendFailure } from './ports.ts';

/** Why an attempt gave no answer, and what that allows. */
export interface Failure {
  readonly attempt: Attempt;
  readonly error: GateError;
  /** The request may be sent again: it was not worked on, or that may happen twice. */
  readonly isSafe: boolean;
  /** The same backend can be asked at once, with another of its credentials. */
  readonly hasOtherCredential: boolean;
}

/** The connection failed. */
export function fromSendFailure(
  exchange: Exchange,
  attempt: Attempt,
  failure: SendFailure,
  asked: Asked,
): Failure {
  attempt.reached = failure.stage !== 'nothing_sent';
  const isSafe = !attempt.reached || mayResend(exchange, attempt);
  return conclude(exchange, attempt, asked, {
    error: failureToError(failure),
    outcome: isItsFault(exchange, attempt, failure) ? 'failed' : 'cancelled',
    isSafe,
  });
}

/** Whoever has waited in line for most of `timeouts.total` leaves a backend little of it. */
function isItsFault(
  { gate, generation }: Exchange,
  { startedMs }: Attempt,
  { cause }: SendFailure,
): boolean {
  if (cause !== 'total_timeout') return true;
  return gate.clock.monotonicMs() - startedMs >= generation.totalMs / 2;
}

/** It answered with something other than success. */
export function fromRefusal(
  exchange: Exchange,
  attempt: Attempt,
  refusal: { readonly head: ReplyHead; readonly body: Uint8Array },
  asked: Asked,
): Failure {
  const { gate, generation } = exchange;
  const { head, body } = refusal;
  const error = refusalToError(head, body, gate.clock.nowMs());
  const { status } = head;
  const credential = attempt.reply.sending?.credential ?? 0;
  const isAboutCredential = status === 401 || status === 402 || status === 403 || status === 429;
  const hasOtherCredential =
    isAboutCredential &&
    generation.sender.credentialRefused(attempt.target, credential, status, error.retryAfterMs);
  // A key that is limited says nothing of the backend while there is another one.
  const outcome = hasOtherCredential ? 'refused' : outcomeOf(status, error);
  // What was refused was not worked on, whoever's fault it is.
  return conclude(exchange, attempt, asked, { error, outcome, isSafe: true, hasOtherCredential });
}

/** Its answer turned out to be none before any of it had reached the caller. */
export function fromBadAnswer(
  exchange: Exchange,
  attempt: Attempt,
  error: GateError,
  asked: Asked,
): Failure {
  attempt.reply.discard();
  // An error in place of an answer was no work; one behind content is a generation that broke.
  const isNoWork = error.code === 'backend_error' && attempt.firstTokenMs === undefined;
  const isSafe = isNoWork || mayResend(exchange, attempt);
  return conclude(exchange, attempt, asked, { error, outcome: 'failed', isSafe });
}

/** A model server of ours could not be started in time. */
export function fromEngine(exchange: Exchange, attempt: Attempt, error: GateError): Failure {
  const outcome = error.code === 'backend_loading' ? 'warming' : 'failed';
  return conclude(exchange, attempt, NOTHING_ASKED, { error, outcome, isSafe: true });
}

const NOTHING_ASKED: Asked = { body: null, model: '' };

function mayResend({ generation }: Exchange, { target }: Attempt): boolean {
  return generation.backends.get(target.backend)?.mayResend ?? false;
}

function outcomeOf(status: number, error: GateError): AttemptOutcome {
  if (error.code === 'backend_loading') return 'warming';
  if (status === 429 || (status === 503 && error.retryAfterMs !== undefined)) return 'busy';
  if (status >= 500 || status === 408 || status < 400) return 'failed';
  return status === 401 || status === 402 || status === 403 ? 'failed' : 'refused';
}

interface Conclusion {
  readonly error: GateError;
  readonly outcome: AttemptOutcome;
  readonly isSafe: boolean;
  readonly hasOtherCredential?: boolean;
}

function conclude(
  exchange: Exchange,
  attempt: Attempt,
  asked: Asked,
  { error, outcome, isSafe, hasOtherCredential = false }: Conclusion,
): Failure {
  const { maxWaitMs } = exchange.generation.retries;
  const waitMs = error.retryAfterMs;
  attempt.end(outcome, error.code, waitMs === undefined ? undefined : Math.min(waitMs, maxWaitMs));
  // A backend's fault is the operator's to see; a caller's is in the request line already.
  if (traitsOf(error.code).status !== 400) {
    exchange.gate.log.for('backends').warn('attempt_failed', {
      request_id: exchange.id,
      backend: attempt.target.backend,
      code: error.code,
      status: attempt.status ?? undefined,
      cause: wordsForLog(exchange, error, asked),
    });
  }
  return { attempt, error, isSafe, hasOtherCredential };
}

function wordsForLog(
  { generation }: Exchange,
  { cause }: GateError,
  asked: Asked,
): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const words = withoutSecrets(cause.message, generation.secrets);
  return repeatsRequest(words, asked) ? 'withheld, it repeats the request' : words;
}
