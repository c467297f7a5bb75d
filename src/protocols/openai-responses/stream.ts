import { isObject } from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { createFrameStream, type FrameJudge, type Verdict } from '../frame-stream.ts';
import { fromResponsesUsage, laterUsage, type ReportedUsage } from '../reported-usage.ts';
import type { StreamReader } from '../wire.ts';

/** The last event repeats the whole response, with its instructions, tools and any images. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const TERMINALS = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
]);

/** Typed events; the stream ends with the one that carries the finished response. */
export function openResponsesStream(): StreamReader {
  return createFrameStream(new ResponsesJudge(), MAX_FRAME_BYTES);
}

class ResponsesJudge implements FrameJudge {
  readonly endsWithDone = false;
  readonly #counter = new OutputCounter();
  reported: ReportedUsage | null = null;

  get outputTokensCounted(): number {
    return this.#counter.tokens;
  }

  get sawContent(): boolean {
    return this.#counter.sawContent;
  }

  judge(type: string, event: Readonly<Record<string, unknown>>): Verdict {
    const { delta, response } = event;
    // Deltas of sound are base64, not tokens.
    if (typeof delta === 'string' && type.endsWith('.delta') && type !== 'response.audio.delta') {
      this.#counter.add(delta);
    }
    if (isObject(response)) {
      this.reported = laterUsage(this.reported, fromResponsesUsage(response['usage']));
    }
    return TERMINALS.has(type) ? 'end' : 'forward';
  }
}
