import type { Usage } from '../../core/usage.ts';
import { OutputCounter } from '../count-tokens.ts';
import { createFrameStream, type FrameJudge, type Verdict } from '../frame-stream.ts';
import { fromChatUsage } from '../reported-usage.ts';
import type { StreamReader } from '../wire.ts';

/** Adds what one choice of a chunk generated to the count. */
export type CountChoice = (choice: unknown, counter: OutputCounter) => void;

/** Chat and completions share their stream: chunks with `choices`, then `data: [DONE]`. */
export function openChunkStream(usageRequested: boolean, countChoice: CountChoice): StreamReader {
  return createFrameStream(new ChunkJudge(usageRequested, countChoice));
}

class ChunkJudge implements FrameJudge {
  readonly endsWithDone = true;
  readonly #usageRequested: boolean;
  readonly #countChoice: CountChoice;
  readonly #counter = new OutputCounter();
  #usage: Usage | null = null;

  constructor(usageRequested: boolean, countChoice: CountChoice) {
    this.#usageRequested = usageRequested;
    this.#countChoice = countChoice;
  }

  get usage(): Usage | null {
    return this.#usage;
  }

  get outputTokensCounted(): number {
    return this.#counter.tokens;
  }

  get sawContent(): boolean {
    return this.#counter.sawContent;
  }

  judge(_type: string, chunk: Readonly<Record<string, unknown>>): Verdict {
    const { choices, usage } = chunk;
    const isEmpty = !Array.isArray(choices) || choices.length === 0;
    if (!isEmpty) for (const choice of choices) this.#countChoice(choice, this.#counter);
    if (usage === undefined || usage === null) return 'forward';
    this.#usage = fromChatUsage(usage) ?? this.#usage;
    return isEmpty && !this.#usageRequested ? 'hide' : 'forward';
  }
}
