import type { Behaviour } from './behaviour.ts';

/** The exact counts behind an answer. */
export interface TokenCounts {
  readonly prompt: number;
  /** Disjoint parts of `prompt`. */
  readonly cached: number;
  readonly cacheWrite: number;
  readonly audioInput: number;
  readonly imageInput: number;
  /** Over all choices, reasoning included. */
  readonly completion: number;
  /** Disjoint parts of `completion`. */
  readonly reasoning: number;
  readonly audioOutput: number;
  readonly imageOutput: number;
}

export const NO_TOKENS: TokenCounts = {
  ...{ prompt: 0, cached: 0, cacheWrite: 0, audioInput: 0, imageInput: 0 },
  ...{ completion: 0, reasoning: 0, audioOutput: 0, imageOutput: 0 },
};

/** Counts as the behaviour wants them, each part cut to what the ones before it have left. */
export function createCounts(
  behaviour: Behaviour,
  made: { readonly prompt: number; readonly perChoice: number; readonly choices: number },
): TokenCounts {
  const { prompt, perChoice, choices } = made;
  const [cached = 0, cacheWrite = 0, audioInput = 0, imageInput = 0] = share(prompt, [
    ...[behaviour.cachedTokens, behaviour.cacheWriteTokens],
    ...[behaviour.audioInputTokens, behaviour.imageInputTokens],
  ]);
  // Gemini's imitation of the protocol has no words for what an answer is made of.
  const isTextOnly = behaviour.usageStyle === 'gemini';
  const [reasoning = 0, audioOutput = 0, imageOutput = 0] = share(perChoice, [
    behaviour.reasoningTokens,
    isTextOnly ? 0 : behaviour.audioOutputTokens,
    isTextOnly ? 0 : behaviour.imageOutputTokens,
  ]);
  return {
    ...{ prompt, cached, cacheWrite, audioInput, imageInput },
    completion: perChoice * choices,
    reasoning: reasoning * choices,
    audioOutput: audioOutput * choices,
    imageOutput: imageOutput * choices,
  };
}

/** The same answer after its first `perChoice` tokens. */
export function countsAfter(counts: TokenCounts, perChoice: number, choices: number): TokenCounts {
  const [reasoning = 0, audioOutput = 0, imageOutput = 0] = share(perChoice * choices, [
    ...[counts.reasoning, counts.audioOutput, counts.imageOutput],
  ]);
  const completion = perChoice * choices;
  return { ...counts, completion, reasoning, audioOutput, imageOutput };
}

function share(whole: number, parts: readonly number[]): number[] {
  let left = whole;
  return parts.map((part) => {
    const taken = Math.min(part, left);
    left -= taken;
    return taken;
  });
}
