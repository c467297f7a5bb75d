import { isObject } from '../call-fields.ts';
import { OutputCounter } from '../count-tokens.ts';
import { createFrameStream, type FrameJudge, type Verdict } from '../frame-stream.ts';
import { fromChatUsage, laterUsage, type ReportedUsage } from '../reported-usage.ts';
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
  reported: ReportedUsage | null = null;
  #repeatable: { readonly member: string; readonly text: string } | null = null;

  constructor(usageRequested: boolean, countChoice: CountChoice) {
    this.#usageRequested = usageRequested;
    this.#countChoice = countChoice;
  }

  get outputTokensCounted(): number {
    return this.#counter.tokens;
  }

  get sawContent(): boolean {
    return this.#counter.sawContent;
  }

  get repeatable(): { readonly member: string; readonly text: string } | null {
    return this.#repeatable;
  }

  repeat(length: number): void {
    this.#counter.addAscii(length);
  }

  judge(_type: string, chunk: Readonly<Record<string, unknown>>): Verdict {
    const { choices, usage } = chunk;
    const isEmpty = !Array.isArray(choices) || choices.length === 0;
    if (!isEmpty) for (const choice of choices) this.#countChoice(choice, this.#counter);
    this.#repeatable = isEmpty || choices.length > 1 ? null : onlyText(choices[0]);
    if (usage === undefined || usage === null) return 'forward';
    this.reported = laterUsage(this.reported, fromChatUsage(usage));
    return isEmpty && !this.#usageRequested ? 'hide' : 'forward';
  }
}

/** The text of a choice that carries nothing else: the chunk that a stream is mostly made of. */
function onlyText(choice: unknown): { readonly member: string; readonly text: string } | null {
  if (!isObject(choice)) return null;
  if (choice['finish_reason'] !== undefined && choice['finish_reason'] !== null) return null;
  const delta = choice['delta'];
  if (delta === undefined) return asOnlyText('text', choice['text']);
  if (!isObject(delta)) return null;
  const members = Object.keys(delta);
  return members.length === 1 ? asOnlyText('content', delta['content']) : null;
}

function asOnlyText(member: string, text: unknown) {
  return typeof text === 'string' && text !== '' ? { member, text } : null;
}
