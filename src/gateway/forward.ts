import { GateError, traitsOf } from '../core/error.ts';
import type { GpuLease } from '../pricing/gpu-share.ts';
import type { Target } from '../routing/model-table.ts';
import { failureToError, refusalToError } from './backend-failure.ts';
import { BackendReply } from './backend-reply.ts';
import { type Asked, repeatsRequest, withoutSecrets } from './backend-words.ts';
import type { Attempt, Exchange } from './exchange.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { meter } from './meter.ts';
import type { ReplyHead, SendFailure } from './ports.ts';
import type { Call, OutputLimit } from './read.ts';
import type { Plan } from './route.ts';

/** Read of a refusal's body; more than any engine says. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/**
 * One attempt after another until a backend answers, then hands the answer to the meter. Goes on
 * to the next target only when nothing of the request can have reached the last one.
 */
export async function forward(exchange: Exchange, call: Call, plan: Plan): Promise<Response> {
  let last: GateError | undefined;
  for (const target of plan) {
    const answer = await attempt(exchange, call, target);
    if (!(answer instanceof GateError)) return meter(exchange, answer.head, answer.reply);
    last = answer;
    if (exchange.attempts.at(-1)?.reached) break;
  }
  throw last ?? new GateError('no_backend_available', 'No backend serves this model right now.');
}

interface Answer {
  readonly head: ReplyHead;
  readonly reply: BackendReply;
}

/** Asks one target. Returns its answer, or what its failure or refusal means to the caller. */
async function attempt(
  exchange: Exchange,
  call: Call,
  target: Target,
): Promise<Answer | GateError> {
  // Whatever ended the request since it was let in has settled it: nobody would pay for this.
  exchange.throwIfStopped();
  const { clock } = exchange.gate;
  const request = {
    method: 'POST',
    path: exchange.route.backendPath,
    headers: forwardedHeaders(exchange, call),
    body: call.bodyFor(target, outputLimitFor(exchange, target)),
  };
  const asked: Asked = { body: request.body, model: target.model };
  const record: Attempt = {
    target,
    startedAtMs: clock.nowMs(),
    startedMs: clock.monotonicMs(),
    gpuLease: leaseFor(exchange, target),
    endedMs: undefined,
    reached: true,
    code: null,
    status: null,
  };
  exchange.attempts.push(record);
  const reply = new BackendReply();
  exchange.reply = reply;
  reply.sending = exchange.generation.sender.send(target, request, reply);

  const head = await reply.head;
  if (isFailure(head)) {
    record.reached = head.stage !== 'nothing_sent';
    return failed(exchange, record, failureToError(head), asked);
  }
  record.status = head.status;
  if (head.status === 200) return { head, reply };
  const body = await reply.collect(REFUSAL_BYTES_MAX, refusalTooLong).catch(() => NO_BYTES);
  exchange.throwIfStopped();
  return failed(exchange, record, refusalToError(head, body, clock.nowMs()), asked);
}

function outputLimitFor(
  { outputLimit, generation }: Exchange,
  { backend }: Target,
): OutputLimit | null {
  if (outputLimit === null) return null;
  // OpenAI's own models refuse the older name, most engines know only that one.
  const isOpenAi = generation.openAiBackends.has(backend);
  return { tokens: outputLimit, chatMember: isOpenAi ? 'max_completion_tokens' : 'max_tokens' };
}

/** Time is counted where it costs money. */
function leaseFor({ gate }: Exchange, { backend, price }: Target): GpuLease | undefined {
  return price === null || price.gpuHour === 0 ? undefined : gate.gpuShares.begin(backend);
}

const NO_BYTES = new Uint8Array(0);
const refusalTooLong = () => new GateError('backend_error', 'The backend failed.');

function failed(exchange: Exchange, record: Attempt, error: GateError, asked: Asked): GateError {
  record.endedMs = exchange.gate.clock.monotonicMs();
  // What a failed attempt took is nobody's to pay, but it was not the others' either.
  record.gpuLease?.end();
  record.code = error.code;
  // A backend's fault is the operator's to see; a caller's is in the request line already.
  if (traitsOf(error.code).status !== 400) {
    exchange.gate.log.warn('attempt_failed', {
      request_id: exchange.id,
      backend: exchange.backend,
      code: error.code,
      status: record.status ?? undefined,
      cause: wordsForLog(exchange, error, asked),
    });
  }
  return error;
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

function isFailure(answer: ReplyHead | SendFailure): answer is SendFailure {
  return 'stage' in answer;
}
