/**
 * Tokens used by one request.
 *
 * `cachedInputTokens` is a part of `inputTokens`, `reasoningTokens` a part of `outputTokens`:
 * every protocol adapter converts its own convention to this one (Anthropic, for instance, reports
 * input without the cached part).
 */
export interface Usage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

export const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** Who counted: the backend, llmgate from the bytes it saw, or nobody because nothing was used. */
export type UsageSource = 'reported' | 'counted' | 'none';
