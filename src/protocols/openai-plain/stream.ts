import { isObject } from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { createFrameStream, type FrameJudge, type Verdict } from '../frame-stream.ts';
import { generatedText } from '../openai-chat/generated-text.ts';
import { fromAnyUsage, laterUsage, type ReportedUsage } from '../reported-usage.ts';
import type { UsageConvention } from '../usage-conventions.ts';
import type { StreamReader } from '../wire.ts';

/** One frame holds a whole image in base64. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024;

const TERMINALS = new Set([
  'image_generation.completed',
  'image_edit.completed',
  'speech.audio.done',
  'transcript.text.done',
]);

/**
 * Streams of images and audio. They end with a typed event or, from engines that stream
 * transcripts as chat chunks, with `[DONE]`.
 */
export function openPlainStream(options: PlainStreamOptions): StreamReader {
  return createFrameStream(new PlainJudge(options), MAX_FRAME_BYTES);
}

interface PlainStreamOptions {
  readonly producesText: boolean;
  /** How usage is stated when not as chat states it. */
  readonly convention?: UsageConvention;
}

class PlainJudge implements FrameJudge {
  readonly endsWithDone = true;
  readonly #options: PlainStreamOptions;
  readonly #counter = new OutputCounter();
  reported: ReportedUsage | null = null;
  sawContent = false;

  constructor(options: PlainStreamOptions) {
    this.#options = options;
  }

  get outputTokensCounted(): number {
    return this.#counter.tokens;
  }

  judge(type: string, event: Readonly<Record<string, unknown>>): Verdict {
    this.sawContent = true;
    const { producesText, convention } = this.#options;
    if (producesText) this.#count(event);
    this.reported = laterUsage(this.reported, fromAnyUsage(event['usage'], convention));
    return TERMINALS.has(type) ? 'end' : 'forward';
  }

  #count(event: Readonly<Record<string, unknown>>): void {
    const { delta, choices } = event;
    if (typeof delta === 'string') this.#counter.add(delta);
    if (!Array.isArray(choices)) return;
    for (const choice of choices) {
      if (isObject(choice)) this.#counter.add(generatedText(choice['delta']));
    }
  }
}
