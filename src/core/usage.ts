/**
 * Tokens used by one request: two totals and what they are made of.
 *
 * Cached, written-to-cache, audio and image input are disjoint parts of `inputTokens`; reasoning,
 * audio and image output are disjoint parts of `outputTokens`; what is left of a total is text.
 * Every protocol adapter converts its own convention to this one (Anthropic, for instance, reports
 * input without what was read from or written to the cache).
 */
export interface Usage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly audioInputTokens: number;
  readonly imageInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly audioOutputTokens: number;
  readonly imageOutputTokens: number;
}

export const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  audioInputTokens: 0,
  imageInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
};

/**
 * Who counted: the backend, llmgate from the bytes it saw, the backend but with figures no request
 * can have, which llmgate cut down, or nobody because nothing was used.
 */
export type UsageSource = 'reported' | 'counted' | 'clamped' | 'none';
