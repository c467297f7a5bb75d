import type { Answer, JsonObject } from '../answer.ts';
import type { UsageFault } from '../fault.ts';
import { getObject } from '../fields.ts';

/** Streams tell usage only to who asks. */
export function isUsageWantedIn(body: JsonObject): boolean {
  return getObject(body, 'stream_options')['include_usage'] === true;
}

export function usageInOf(body: JsonObject): Answer['usageIn'] {
  if (body['stream'] !== true) return 'body';
  return isUsageWantedIn(body) ? 'finish' : 'nowhere';
}

export const DONE = 'data: [DONE]\n\n';

/** How OpenAI-style streams report an error after the 200 has gone out. */
export function createErrorFrame(message: string): string {
  const error = { message, type: 'server_error', param: null, code: null };
  return `data: ${JSON.stringify({ error })}\n\n`;
}

/** The chunk that carries usage, or its wrong forms. `head` is the open object of a chunk. */
export function createUsageFrames(
  head: string,
  usage: string | undefined,
  fault: UsageFault | null,
): string {
  if (usage === undefined) return '';
  const choices =
    fault === 'no_choices' ? '' : fault === 'null_choices' ? ',"choices":null' : ',"choices":[]';
  const frame = `${head}${choices},"usage":${usage}}\n\n`;
  return fault === 'twice' ? frame + frame : frame;
}
