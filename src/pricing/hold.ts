import type { NanoUsd } from '../core/money.ts';
import type { Price } from '../core/price.ts';
import { costOf } from './cost.ts';

/** The most a request can use: the prompt once, the output once for every choice (`n`). */
export interface WorstCase {
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly choices: number;
}

/**
 * What to hold for a request before it is sent: every token at the dearest rate it could be
 * booked at, so that no settlement exceeds the hold unless the estimates were wrong.
 */
export function holdFor(worst: WorstCase, price: Price): NanoUsd {
  const input = Math.max(price.input, price.cachedInput);
  const output = Math.max(price.output, price.reasoning);
  const outputTokens = Math.min(worst.maxOutputTokens * worst.choices, Number.MAX_SAFE_INTEGER);
  return costOf(
    { inputTokens: worst.inputTokens, cachedInputTokens: 0, outputTokens, reasoningTokens: 0 },
    { input, cachedInput: input, output, reasoning: output },
  );
}
