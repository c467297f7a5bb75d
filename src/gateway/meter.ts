import { GateError } from '../core/error.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import { neutralText } from '../protocols/neutral-text.ts';
import type { ReplyFacts } from '../protocols/wire.ts';
import type { Attempt } from './attempt.ts';
import { BytesRelay } from './bytes-relay.ts';
import type { Exchange } from './exchange.ts';
import type { ReplyHead } from './ports.ts';
import { costHeader, type ReplyHeaderFields, replyHeaders } from './reply-headers.ts';
import { StreamRelay } from './stream-relay.ts';

/** A whole answer is held in memory once; this is the most it may be. */
const WHOLE_REPLY_BYTES_MAX = 64 * 1024 * 1024;

/** An answer that has proved itself, of which the caller has nothing yet. */
export interface Answer {
  readonly attempt: Attempt;
  /** Sends it to the caller. Null when the caller has the head of a stream already. */
  deliver(): Promise<Response | null> | Response | null;
}

/**
 * What is being used? Chooses how an answer is passed on by what it is: an event stream frame by
 * frame, a JSON document whole, anything else (audio, images) as bytes. Resolves when it is clear
 * that this is an answer; throws while another backend could still give one.
 */
export function meter(exchange: Exchange, attempt: Attempt, head: ReplyHead): Promise<Answer> {
  const encoding = head.headers.get('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    // It was asked not to, and what cannot be read cannot be counted.
    throw new GateError('backend_protocol_error', 'The backend compressed its answer.');
  }
  const contentType = head.headers.get('content-type') ?? '';
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const wantsStream = exchange.call?.shape.stream === true;
  if (mediaType === 'text/event-stream' && wantsStream) return openStream(exchange, attempt);
  if (mediaType === 'application/json' && !wantsStream) return readWhole(exchange, attempt);
  const isSound = mediaType !== '' && mediaType !== 'text/html';
  if (exchange.route.endpoint === 'audio' && isSound && !exchange.replyHasBegun) {
    // Speech is sound, transcripts may be text or subtitles. Nothing of it fits behind comments.
    return openBytes(exchange, attempt, contentType);
  }
  const wanted = wantsStream ? 'text/event-stream' : 'application/json';
  throw new GateError(
    'backend_protocol_error',
    `The backend answered with "${neutralText(mediaType, 60)}" instead of ${wanted}.`,
  );
}

async function readWhole(exchange: Exchange, attempt: Attempt): Promise<Answer> {
  const body = await attempt.reply.collect(
    WHOLE_REPLY_BYTES_MAX,
    () => new GateError('backend_protocol_error', 'The answer of the backend is too large.'),
  );
  const facts = exchange.route.wire.readReply(body);
  attempt.sawContent();
  return { attempt, deliver: () => deliverWhole(exchange, attempt, { body, facts }) };
}

interface WholeReply {
  readonly body: Uint8Array;
  readonly facts: ReplyFacts;
}

async function deliverWhole(
  exchange: Exchange,
  attempt: Attempt,
  { body, facts }: WholeReply,
): Promise<Response> {
  exchange.serving = attempt;
  exchange.outputTokensCounted = facts.outputTokensCounted;
  const usage = usageOf(facts, exchange.call?.shape.inputTokens ?? 0);
  // Our own count: what a backend reports may be no number at all.
  attempt.lease.output(facts.outputTokensCounted);
  const outcome = {
    kind: 'served',
    usage,
    source: facts.usage === null ? 'counted' : facts.isUsageSound ? 'reported' : 'clamped',
  } as const;
  exchange.capture?.answer(body);
  await exchange.finish(outcome, 200);
  const headers = replyHeaders(exchange);
  headers['content-type'] = 'application/json';
  costHeader(headers, exchange.due?.costNanoUsd ?? null);
  return new Response(body as Uint8Array<ArrayBuffer>, { headers });
}

function usageOf(facts: ReplyFacts, inputTokens: number): Usage {
  return facts.usage ?? { ...NO_USAGE, inputTokens, outputTokens: facts.outputTokensCounted };
}

async function openStream(exchange: Exchange, attempt: Attempt): Promise<Answer> {
  const relay = new StreamRelay(exchange, attempt);
  await relay.begun;
  return { attempt, deliver: () => deliverStream(exchange, attempt, relay, eventStreamHeaders) };
}

/** The headers of a streamed answer. */
export function eventStreamHeaders(exchange: Exchange): ReplyHeaderFields {
  const headers = replyHeaders(exchange);
  headers['content-type'] = 'text/event-stream';
  headers['cache-control'] = 'no-cache';
  // Asks proxies in front of us not to collect frames (nginx).
  headers['x-accel-buffering'] = 'no';
  return headers;
}

async function openBytes(
  exchange: Exchange,
  attempt: Attempt,
  contentType: string,
): Promise<Answer> {
  const relay = new BytesRelay(exchange, attempt);
  await relay.begun;
  const headers = (of: Exchange) => ({ ...replyHeaders(of), 'content-type': contentType });
  return { attempt, deliver: () => deliverStream(exchange, attempt, relay, headers) };
}

function deliverStream(
  exchange: Exchange,
  attempt: Attempt,
  relay: StreamRelay | BytesRelay,
  headers: (exchange: Exchange) => ReplyHeaderFields,
): Response | null {
  exchange.serving = attempt;
  const hasHead = exchange.replyHasBegun;
  exchange.replyHasBegun = true;
  const response = hasHead
    ? null
    : new Response(exchange.stream.body(), { headers: headers(exchange) });
  relay.release();
  return response;
}
