import type { UsageBounds } from '../pricing/usage-sanity.ts';
import type { Exchange } from './exchange.ts';

/** What is known of a request without its backend's word, to hold that word against. */
export function usageBoundsOf(exchange: Exchange): UsageBounds {
  const { call, longestContextTokens: contextTokens, outputTokensCounted } = exchange;
  return {
    inputTokensEstimate: call?.shape.inputTokens ?? 0,
    outputTokensCounted,
    contextTokens,
    choices: call?.shape.choices ?? 1,
  };
}
