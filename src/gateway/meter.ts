import { GateError } from '../core/error.ts';
import { NO_USAGE, type Usage } from '../core/usage.ts';
import { neutralText } from '../protocols/neutral-text.ts';
import type { ReplyFacts } from '../protocols/wire.ts';
import type { BackendReply } from './backend-reply.ts';
import { BytesRelay } from './bytes-relay.ts';
import type { Exchange } from './exchange.ts';
import type { ReplyHead } from './ports.ts';
import { costHeader, replyHeaders } from './reply-headers.ts';
import { StreamRelay } from './stream-relay.ts';

/** A whole answer is held in memory once; this is the most it may be. */
const WHOLE_REPLY_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What is being used? Chooses how an answer is passed on by what it is: an event stream frame by
 * frame, a JSON document whole, anything else (audio, images) as bytes.
 */
export function meter(
  exchange: Exchange,
  head: ReplyHead,
  reply: BackendReply,
): Promise<Response> | Response {
  const encoding = head.headers.get('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    reply.discard();
    // It was asked not to, and what cannot be read cannot be counted.
    throw new GateError('backend_protocol_error', 'The backend compressed its answer.');
  }
  const contentType = head.headers.get('content-type') ?? '';
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const wantsStream = exchange.call?.shape.stream === true;
  if (mediaType === 'text/event-stream' && wantsStream) return relayStream(exchange, reply);
  if (mediaType === 'application/json' && !wantsStream) return relayWhole(exchange, reply);
  if (exchange.route.endpoint === 'audio' && mediaType !== '' && mediaType !== 'text/html') {
    // Speech is sound, transcripts may be text or subtitles.
    return relayBytes(exchange, reply, contentType);
  }
  reply.discard();
  const wanted = wantsStream ? 'text/event-stream' : 'application/json';
  throw new GateError(
    'backend_protocol_error',
    `The backend answered with "${neutralText(mediaType, 60)}" instead of ${wanted}.`,
  );
}

async function relayWhole(exchange: Exchange, reply: BackendReply): Promise<Response> {
  const { gate, route, call } = exchange;
  const body = await reply.collect(
    WHOLE_REPLY_BYTES_MAX,
    () => new GateError('backend_protocol_error', 'The answer of the backend is too large.'),
  );
  const facts = route.wire.readReply(body);
  exchange.firstTokenMs = gate.clock.monotonicMs();
  exchange.outputTokensCounted = facts.outputTokensCounted;
  const usage = usageOf(facts, call?.shape.inputTokens ?? 0);
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

async function relayStream(exchange: Exchange, reply: BackendReply): Promise<Response> {
  const relay = new StreamRelay(exchange, reply);
  // Until the first whole frame has come, a failure can still be told by an HTTP status.
  await relay.begun;
  const headers = replyHeaders(exchange);
  headers['content-type'] = 'text/event-stream';
  headers['cache-control'] = 'no-cache';
  // Asks proxies in front of us not to collect frames (nginx).
  headers['x-accel-buffering'] = 'no';
  return new Response(relay.body(), { headers });
}

async function relayBytes(
  exchange: Exchange,
  reply: BackendReply,
  contentType: string,
): Promise<Response> {
  const relay = new BytesRelay(exchange, reply);
  await relay.begun;
  const headers = replyHeaders(exchange);
  headers['content-type'] = contentType;
  return new Response(relay.body(), { headers });
}
