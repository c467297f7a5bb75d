import type { GateError } from '../core/error.ts';
import { anthropicError, openAiError } from './error-reply.ts';

const utf8 = new TextEncoder();

/**
 * Chat, completions, images and audio: a data frame with a top-level `error`, which the official
 * clients raise. No `[DONE]` follows: that would make a broken answer look complete.
 */
export function renderOpenAiErrorFrame(error: GateError): Uint8Array {
  return utf8.encode(`data: ${JSON.stringify({ error: openAiError(error) })}\n\n`);
}

/**
 * Responses: an `error` event. The fields of its schema are at the top, and the same facts are
 * repeated under `error`, because that member is what makes the official clients raise.
 * `response.failed` would need the response as it was so far, and some clients take it for an end.
 */
export function renderResponsesErrorFrame(error: GateError): Uint8Array {
  const body = openAiError(error);
  const data = { ...body, type: 'error', error: body };
  return utf8.encode(`event: error\ndata: ${JSON.stringify(data)}\n\n`);
}

export function renderAnthropicErrorFrame(error: GateError, requestId: string): Uint8Array {
  return utf8.encode(`event: error\ndata: ${JSON.stringify(anthropicError(error, requestId))}\n\n`);
}
