import { GateError } from '../core/error.ts';
import { NO_USAGE } from '../core/usage.ts';
import { fromErrorValue, isErrorValue } from './backend-error.ts';
import { isObject } from './call-fields.ts';
import { OutputCounter } from './count-tokens.ts';
import { backendFault } from './frame-stream.ts';
import { fromAnyUsage, fromChatUsage, type ReportedUsage } from './reported-usage.ts';
import type { UsageConvention } from './usage-conventions.ts';
import type { ReplyFacts } from './wire.ts';

type Reply = Readonly<Record<string, unknown>>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The one JSON object that a reply must be.
 * @throws GateError `backend_protocol_error` for anything else.
 */
export function parseReplyBody(body: Uint8Array): Reply {
  const value = parseJson(body);
  if (isObject(value)) return value;
  throw notJson('a JSON object');
}

/** @throws GateError `backend_error` when the reply is an error under a success status. */
export function refuseErrorReply(reply: Reply): void {
  if (isErrorValue(reply)) throw backendFault(fromErrorValue(reply).message);
}

export function toFacts(reported: ReportedUsage | null, outputTokensCounted: number): ReplyFacts {
  const { usage, isSound } = reported ?? UNREPORTED;
  return { usage, isUsageSound: isSound, outputTokensCounted };
}

const UNREPORTED = { usage: null, isSound: true };

/** The facts of a reply for which no model ran. */
export function nothingUsed(): ReplyFacts {
  return { usage: NO_USAGE, isUsageSound: true, outputTokensCounted: 0 };
}

/** Chat and completions: a list of choices, and usage beside it. Throws as the two above. */
export function readChoicesReply(
  body: Uint8Array,
  countChoice: (choice: unknown, counter: OutputCounter) => void,
): ReplyFacts {
  const reply = parseReplyBody(body);
  refuseErrorReply(reply);
  const counter = new OutputCounter();
  const { choices } = reply;
  if (Array.isArray(choices)) for (const choice of choices) countChoice(choice, counter);
  return toFacts(fromChatUsage(reply['usage']), counter.tokens);
}

/** From this size on, only the usage of a reply is read: the rest is vectors or images. */
const LARGE_REPLY_BYTES = 256 * 1024;

/**
 * Replies without generated text: embeddings, scores, images, with usage in the convention of
 * chat or the given one. Throws as the two above.
 */
export function readUsageReply(body: Uint8Array, convention?: UsageConvention): ReplyFacts {
  const large = body.length >= LARGE_REPLY_BYTES ? findLargeUsage(body, convention) : null;
  if (large !== null) return toFacts(large, 0);
  const reply = parseJson(body);
  // Some rerankers answer with a bare list.
  if (Array.isArray(reply)) return toFacts(null, 0);
  if (!isObject(reply)) throw notJson('a JSON object');
  refuseErrorReply(reply);
  const { meta } = reply;
  const usage =
    reply['usage'] ?? (isObject(meta) ? (meta['tokens'] ?? meta['billed_units']) : null);
  return toFacts(fromAnyUsage(usage, convention), 0);
}

/** Usage objects hold plain numbers and, at most, one level of details. */
const USAGE = /^"usage"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})/;

/** The last `"usage"` of a reply; inside a string its quotes would be escaped. */
function findLargeUsage(bytes: Uint8Array, convention?: UsageConvention): ReportedUsage | null {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = body.lastIndexOf('"usage"');
  const found = at === -1 ? null : USAGE.exec(body.toString('latin1', at, at + 2_048));
  if (found?.[1] === undefined || body[0] !== 0x7b) return null;
  try {
    return fromAnyUsage(JSON.parse(found[1]), convention);
  } catch {
    return null;
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch (cause) {
    throw notJson('JSON', cause);
  }
}

function notJson(wanted: string, cause?: unknown): GateError {
  return new GateError('backend_protocol_error', `The backend did not answer with ${wanted}.`, {
    cause,
  });
}
