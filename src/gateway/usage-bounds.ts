import type { UsageBounds } from '../pricing/usage-sanity.ts';
import type { Exchange } from './exchange.ts';

/** What is known of a request without its backend's word, to hold that word against. */
export function usageBoundsOf({ call, model, outputTokensCounted }: Exchange): UsageBounds {
  return {
    inputTokensEstimate: call?.shape.inputTokens ?? 0,
    outputTokensCounted,
    contextTokens: model?.longestContextTokens ?? null,
    choices: call?.shape.choices ?? 1,
  };
}
