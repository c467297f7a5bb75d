import type { Call } from './answer.ts';
import { type Block, toBlocks } from './blocks.ts';
import { type Prompt, splitWords } from './prompt.ts';
import { createContextRefusal } from './refusal.ts';
import { SeededRandom } from './seeded-random.ts';
import { createCounts, type TokenCounts } from './token-counts.ts';
import { addFragments, createToolCalls, type Tool, type ToolCall } from './tool-call.ts';
import { addWords, createStep, type Step } from './words.ts';

/** What the mock says to a prompt, before any protocol dresses it. */
export interface Completion {
  /** At least one; all of the same length. */
  readonly choices: readonly Choice[];
  /** Tokens of each choice. */
  readonly steps: number;
  readonly calls: readonly ToolCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls';
  readonly counts: TokenCounts;
}

export interface Choice {
  readonly steps: readonly Step[];
  readonly blocks: readonly Block[];
}

export interface CompletionRequest {
  readonly prompt: Prompt;
  /** null: as long as the behaviour says. */
  readonly maxTokens: number | null;
  /** Goes on until `maxTokens`, as engines do with `ignore_eos`. */
  readonly isExact: boolean;
  readonly choices: number;
  readonly tool: Tool | undefined;
}

/** Deterministic: the same prompt and behaviour give the same answer. Throws `Refusal`. */
export function createCompletion(call: Call, wanted: CompletionRequest): Completion {
  const { prompt, tool } = wanted;
  const { behaviour } = call;
  const room = roomFor(call, wanted);
  const calls = tool === undefined ? [] : createToolCalls(tool, behaviour.toolCalls, prompt.hash);
  const length = wanted.isExact && Number.isFinite(room) ? room : lengthOf(call, prompt.hash);
  const full = Array.from({ length: wanted.choices }, (_, index) =>
    createSteps(call, { seed: prompt.hash + index, length, calls }),
  );
  const made = Math.min(room, ...full.map((steps) => steps.length));
  const choices = full.map((steps) => {
    const kept = steps.length > made ? steps.slice(0, made) : steps;
    return { steps: kept, blocks: toBlocks(kept) };
  });
  const isCut = wanted.isExact || full.some((steps) => steps.length > made);
  return {
    choices,
    steps: made,
    calls,
    finish: isCut ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop',
    counts: createCounts(behaviour, {
      prompt: promptTokensOf(call, prompt),
      perChoice: made,
      choices: choices.length,
    }),
  };
}

function roomFor(call: Call, { prompt, maxTokens }: CompletionRequest): number {
  const asked = maxTokens ?? Number.POSITIVE_INFINITY;
  if (call.contextTokens === null) return asked;
  const promptTokens = promptTokensOf(call, prompt);
  const least = promptTokens + (maxTokens ?? 1);
  if (least > call.contextTokens) throw createContextRefusal(call.contextTokens, least);
  return Math.min(asked, call.contextTokens - promptTokens);
}

function promptTokensOf({ behaviour }: Call, prompt: Prompt): number {
  return behaviour.promptTokens ?? prompt.tokens;
}

function lengthOf({ behaviour }: Call, seed: number): number {
  const [low, high] = behaviour.tokens;
  return low >= high ? low : new SeededRandom(seed).integer(low, high);
}

function createSteps(
  { behaviour }: Call,
  { seed, length, calls }: { seed: number; length: number; calls: readonly ToolCall[] },
): Step[] {
  const steps: Step[] = [];
  addWords(steps, 'reasoning', { count: behaviour.reasoningTokens, seed: seed + 1 });
  if (calls.length > 0) {
    for (const [index, toolCall] of calls.entries()) addFragments(steps, toolCall, index);
  } else if (behaviour.text !== null) {
    for (const word of splitWords(behaviour.text)) steps.push(createStep('text', word));
  } else {
    addWords(steps, 'text', { count: length, seed });
  }
  return steps;
}
