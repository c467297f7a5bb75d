import type { Usage } from '../../core/usage.ts';
import { isObject } from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { createFrameStream, type FrameJudge, type Verdict } from '../frame-stream.ts';
import { generatedText } from '../openai-chat/generated-text.ts';
import { fromAnyUsage } from '../reported-usage.ts';
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
export function openPlainStream(options: { readonly producesText: boolean }): StreamReader {
  return createFrameStream(new PlainJudge(options.producesText), MAX_FRAME_BYTES);
}

class PlainJudge implements FrameJudge {
  readonly endsWithDone = true;
  readonly #producesText: boolean;
  readonly #counter = new OutputCounter();
  usage: Usage | null = null;
  sawContent = false;

  constructor(producesText: boolean) {
    this.#producesText = producesText;
  }

  get outputTokensCounted(): number {
    return this.#counter.tokens;
  }

  judge(type: string, event: Readonly<Record<string, unknown>>): Verdict {
    this.sawContent = true;
    if (this.#producesText) this.#count(event);
    this.usage = fromAnyUsage(event['usage']) ?? this.usage;
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
