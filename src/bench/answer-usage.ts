import { fromChatUsage } from '../protocols/reported-usage.ts';

/** No answer has more tokens than this; a server that says so is not believed. */
const TOKENS_MAX = 10_000_000;

/** Tokens as the server states them. */
export interface StatedTokens {
  readonly input: number;
  readonly output: number;
}

/** Null when nothing is stated, or nothing that can be true. */
export function readStatedTokens(usage: unknown): StatedTokens | null {
  const reported = fromChatUsage(usage);
  if (reported === null || !reported.isSound) return null;
  const { inputTokens, outputTokens } = reported.usage;
  if (inputTokens > TOKENS_MAX || outputTokens > TOKENS_MAX) return null;
  return { input: inputTokens, output: outputTokens };
}
