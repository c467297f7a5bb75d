import type { NanoUsd } from '../core/money.ts';
import type { Price, Rates } from '../core/price.ts';
import { NO_USAGE } from '../core/usage.ts';
import { costOf } from './cost.ts';

/** The most a request can use: the prompt once, the output once for every choice (`n`). */
export interface WorstCase {
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly choices: number;
  /** The longest it may keep the GPUs to itself. */
  readonly maxGpuMs: number;
}

/**
 * The input is an estimate, good to about a third for prose and to a half for digits and code. A
 * tier is held for when twice the estimate is above it, so that a prompt just under a threshold
 * is not booked at twice of what was held.
 */
const TIER_REACH = 2;

/**
 * What to hold for a request before it is sent: every token at the dearest rate it could be booked
 * at, in any tier its input can reach, and GPU time as if it ran alone to its deadline. No
 * settlement exceeds the hold unless the input was estimated too low.
 */
export function holdFor(worst: WorstCase, price: Price): NanoUsd {
  const { inputTokens, maxGpuMs } = worst;
  const gpuUs = Math.min(Math.ceil(maxGpuMs * 1_000), Number.MAX_SAFE_INTEGER);
  const usage = { ...NO_USAGE, inputTokens, outputTokens: outputTokensHeld(worst) };
  let most = costOf(usage, dearest(price, price.gpuHour), gpuUs);
  for (const tier of price.tiers) {
    if (inputTokens * TIER_REACH <= tier.aboveInputTokens) break;
    const cost = costOf(usage, dearest(tier, price.gpuHour), gpuUs);
    if (cost > most) most = cost;
  }
  return most;
}

/** What to hold in budgets of tokens: input and output together. */
export function tokensHeldFor(worst: WorstCase): number {
  return Math.min(worst.inputTokens + outputTokensHeld(worst), Number.MAX_SAFE_INTEGER);
}

/**
 * The longest output for each choice with which a request fits into what is left of its budgets,
 * `roomNanoUsd` and `roomTokens` (`Infinity` where nothing bounds them); null when not even one
 * token does. Never longer than `worst.maxOutputTokens`.
 */
export function outputThatFits(
  roomNanoUsd: number,
  roomTokens: number,
  worst: WorstCase,
  price: Price | null,
): number | null {
  const fits = (maxOutputTokens: number) => {
    const smaller = { ...worst, maxOutputTokens };
    if (tokensHeldFor(smaller) > roomTokens) return false;
    return price === null || holdFor(smaller, price) <= roomNanoUsd;
  };
  if (worst.maxOutputTokens < 1 || !fits(1)) return null;
  if (fits(worst.maxOutputTokens)) return worst.maxOutputTokens;
  // Holds grow with the output, so the border can be searched for.
  let fitting = 1;
  let tooMuch = worst.maxOutputTokens;
  while (tooMuch - fitting > 1) {
    const middle = fitting + Math.floor((tooMuch - fitting) / 2);
    if (fits(middle)) fitting = middle;
    else tooMuch = middle;
  }
  return fitting;
}

function outputTokensHeld({ maxOutputTokens, choices }: WorstCase): number {
  return Math.min(maxOutputTokens * choices, Number.MAX_SAFE_INTEGER);
}

/** A price that takes the dearest rate of each direction for all of it. */
function dearest(rates: Rates, gpuHour: number): Price {
  const { audioInput, imageInput, audioOutput, imageOutput } = rates;
  const input = Math.max(rates.input, rates.cachedInput, rates.cacheWrite, audioInput, imageInput);
  const output = Math.max(rates.output, rates.reasoning, audioOutput, imageOutput);
  return {
    input,
    cachedInput: input,
    cacheWrite: input,
    audioInput: input,
    imageInput: input,
    output,
    reasoning: output,
    audioOutput: output,
    imageOutput: output,
    tiers: [],
    gpuHour,
  };
}
