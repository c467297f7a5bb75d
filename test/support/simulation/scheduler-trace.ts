import type { SeededRandom } from '../seeded-random.ts';

/** One request of a trace in the format of Mooncake's (FAST'25): 512 tokens a block. */
export interface TraceRequest {
  readonly timestampMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** A number stands for a block together with everything before it. */
  readonly blocks: readonly number[];
}

export const TRACE_BLOCK_TOKENS = 512;

/** Lines of `{"timestamp", "input_length", "output_length", "hash_ids"}`. Throws on another shape. */
export function parseTrace(text: string): readonly TraceRequest[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const { timestamp, input_length, output_length, hash_ids } = JSON.parse(line);
      const numbers = [timestamp, input_length, output_length];
      if (!numbers.every(Number.isFinite) || !Array.isArray(hash_ids)) {
        throw new Error(`line ${index + 1} is no request of a trace`);
      }
      return {
        timestampMs: timestamp,
        inputTokens: input_length,
        outputTokens: output_length,
        blocks: hash_ids,
      };
    });
}

/** Part of all blocks that an endless cache shared by all would have. */
export function endlessHitRate(trace: readonly TraceRequest[]): number {
  const seen = new Set<number>();
  let hits = 0;
  let blocks = 0;
  for (const request of trace) {
    for (const block of request.blocks) {
      if (seen.has(block)) hits += 1;
      seen.add(block);
    }
    blocks += request.blocks.length;
  }
  return blocks === 0 ? 0 : hits / blocks;
}

/**
 * Conversations as the public trace has them: one system prompt for all, prompts with a long tail,
 * and people who come back after a while with all that was said and something new.
 */
export function makeTrace(random: SeededRandom, requests: number): readonly TraceRequest[] {
  const trace: TraceRequest[] = [];
  let nextBlock = 1;
  /** Exponential, with this mean. */
  const spread = (mean: number) => -Math.log(1 - random.next()) * mean;
  const conversations: { readonly blocks: number[]; inputTokens: number; readyMs: number }[] = [];
  let nowMs = 0;
  while (trace.length < requests) {
    nowMs += spread(294);
    const ready = conversations.filter(({ readyMs }) => readyMs <= nowMs);
    const goesOn = ready.length > 0 && random.next() < 0.42;
    const conversation = goesOn
      ? random.pick(ready)
      : { blocks: [0], inputTokens: TRACE_BLOCK_TOKENS, readyMs: 0 };
    if (!goesOn) conversations.push(conversation);
    const added = 100 + spread(goesOn ? 2_500 : 9_000) + (random.next() < 0.05 ? 30_000 : 0);
    conversation.inputTokens = Math.round(Math.min(126_000, conversation.inputTokens + added));
    // The last block of the turn before was not full: it is another one now.
    if (conversation.blocks.length > 1) conversation.blocks.pop();
    const count = Math.ceil(conversation.inputTokens / TRACE_BLOCK_TOKENS);
    while (conversation.blocks.length < count) conversation.blocks.push(nextBlock++);
    conversation.readyMs = nowMs + 20_000 + spread(180_000);
    trace.push({
      timestampMs: Math.round(nowMs),
      inputTokens: conversation.inputTokens,
      outputTokens: Math.max(1, Math.round(spread(343))),
      blocks: [...conversation.blocks],
    });
    if (conversations.length > 1_500) conversations.splice(0, 100);
  }
  return trace;
}
