import { GateError } from '../core/error.ts';
import type { Usage } from '../core/usage.ts';
import { fromErrorValue, isErrorValue } from './backend-error.ts';
import { isObject } from './call-fields.ts';
import { OutputCounter } from './count-tokens.ts';
import { backendFault } from './frame-stream.ts';
import { fromAnyUsage, fromChatUsage } from './reported-usage.ts';
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
  return { usage: fromChatUsage(reply['usage']), outputTokensCounted: counter.tokens };
}

/** From this size on, only the usage of a reply is read: the rest is vectors or images. */
const LARGE_REPLY_BYTES = 256 * 1024;

/** Replies without generated text: embeddings, scores, images. Throws as the two above. */
export function readUsageReply(body: Uint8Array): ReplyFacts {
  const large = body.length >= LARGE_REPLY_BYTES ? findLargeUsage(body) : null;
  if (large !== null) return { usage: large, outputTokensCounted: 0 };
  const reply = parseJson(body);
  // Some rerankers answer with a bare list.
  if (Array.isArray(reply)) return { usage: null, outputTokensCounted: 0 };
  if (!isObject(reply)) throw notJson('a JSON object');
  refuseErrorReply(reply);
  const { meta } = reply;
  const usage =
    reply['usage'] ?? (isObject(meta) ? (meta['tokens'] ?? meta['billed_units']) : null);
  return { usage: fromAnyUsage(usage), outputTokensCounted: 0 };
}

/** Usage objects hold plain numbers and, at most, one level of details. */
const USAGE = /^"usage"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})/;

/** The last `"usage"` of a reply; inside a string its quotes would be escaped. */
function findLargeUsage(bytes: Uint8Array): Usage | null {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = body.lastIndexOf('"usage"');
  const found = at === -1 ? null : USAGE.exec(body.toString('latin1', at, at + 2_048));
  if (found?.[1] === undefined || body[0] !== 0x7b) return null;
  try {
    return fromAnyUsage(JSON.parse(found[1]));
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
