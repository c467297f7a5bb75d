import { isObject } from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { createFrameStream, type FrameJudge, type Verdict } from '../frame-stream.ts';
import { fromAnthropicUsage, laterUsage, type ReportedUsage } from '../reported-usage.ts';
import type { StreamReader } from '../wire.ts';

type Raw = Readonly<Record<string, unknown>>;

/** Named events from `message_start` to `message_stop`. */
export function openMessagesStream(): StreamReader {
  return createFrameStream(new MessagesJudge());
}

class MessagesJudge implements FrameJudge {
  readonly endsWithDone = false;
  readonly #counter = new OutputCounter();
  #rawUsage: Raw = {};
  #reported: ReportedUsage | null = null;
  #isUsageFinal = false;

  /**
   * `message_start` reports the input with one output token or none, so until `message_delta`
   * brings the real output, what was counted stands in for it.
   */
  get reported(): ReportedUsage | null {
    if (this.#reported === null || this.#isUsageFinal) return this.#reported;
    const { usage, isSound } = this.#reported;
    const outputTokens = Math.max(usage.outputTokens, this.#counter.tokens);
    return { usage: { ...usage, outputTokens }, isSound };
  }

  get outputTokensCounted(): number {
    return this.#counter.tokens;
  }

  get sawContent(): boolean {
    return this.#counter.sawContent;
  }

  judge(type: string, event: Raw): Verdict {
    switch (type) {
      case 'message_stop':
        return 'end';
      case 'message_start':
        if (isObject(event['message'])) this.#merge(event['message']['usage'], false);
        return 'forward';
      case 'message_delta':
        this.#merge(event['usage'], true);
        return 'forward';
      case 'content_block_start':
        countBlock(event['content_block'], this.#counter);
        return 'forward';
      case 'content_block_delta':
        this.#count(event['delta']);
        return 'forward';
      default:
        return 'forward';
    }
  }

  /** Usage is cumulative: what a later event names replaces what an earlier one said. */
  #merge(usage: unknown, isFinal: boolean): void {
    if (!isObject(usage)) return;
    const named = Object.entries(usage).filter(([, value]) => value !== null);
    const merged = { ...this.#rawUsage, ...Object.fromEntries(named) };
    const read = fromAnthropicUsage(merged);
    this.#reported = laterUsage(this.#reported, read);
    if (read === null || this.#reported?.usage !== read.usage) return;
    this.#rawUsage = merged;
    this.#isUsageFinal ||= isFinal && usage['output_tokens'] !== undefined;
  }

  #count(delta: unknown): void {
    if (!isObject(delta)) return;
    const text = delta['text'] ?? delta['partial_json'] ?? delta['thinking'];
    if (typeof text === 'string') this.#counter.add(text);
  }
}

/** The text that a content block already holds; blocks of a stream usually start empty. */
export function countBlock(block: unknown, counter: OutputCounter): void {
  if (!isObject(block)) return;
  for (const name of ['text', 'thinking', 'name']) {
    const text = block[name];
    if (typeof text === 'string') counter.addUncounted(text);
  }
}
