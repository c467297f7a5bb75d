import { GateError } from '../core/error.ts';
import { fromErrorValue } from './backend-error.ts';
import { isObject } from './call-fields.ts';
import { OutputCounter } from './count-tokens.ts';
import { backendFault } from './frame-stream.ts';
import { fromChatUsage } from './reported-usage.ts';
import type { ReplyFacts } from './wire.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The one JSON object that a reply must be.
 * @throws GateError `backend_protocol_error` for anything else, `backend_error` for an error object
 * that was sent with a success status.
 */
export function parseReplyBody(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch (cause) {
    throw new GateError('backend_protocol_error', 'The backend did not answer with JSON.', {
      cause,
    });
  }
  if (!isObject(value)) {
    throw new GateError('backend_protocol_error', 'The backend did not answer with a JSON object.');
  }
  const error = value['error'];
  if (error !== undefined && error !== null) throw backendFault(fromErrorValue(value).message);
  return value;
}

/** Chat and completions: a list of choices and usage beside it. */
export function readChoicesReply(
  body: Uint8Array,
  countChoice: (choice: unknown, counter: OutputCounter) => void,
): ReplyFacts {
  const reply = parseReplyBody(body);
  const counter = new OutputCounter();
  const choices = reply['choices'];
  if (Array.isArray(choices)) for (const choice of choices) countChoice(choice, counter);
  return { usage: fromChatUsage(reply['usage']), outputTokensCounted: counter.tokens };
}
