import { assert } from '../core/assert.ts';
import { type NanoUsd, nanoUsd } from '../core/money.ts';
import type { Price } from '../core/price.ts';
import type { Usage } from '../core/usage.ts';

/** The same price in dollars per million tokens, as vendors and operators write it. */
export interface UsdPerMillion {
  readonly input: number;
  /** Defaults to the price of input. */
  readonly cachedInput?: number | undefined;
  readonly output: number;
  /** Defaults to the price of output. */
  readonly reasoning?: number | undefined;
}

const MICRO_USD_PER_USD = 1_000_000;
/** Micro-dollars per million tokens to nano-dollars per token. */
const PRICE_UNITS_PER_NANO_USD = 1_000;

/**
 * What the tokens cost. Cached input and reasoning are parts of input and output and are priced
 * apart. All parts are summed exactly and rounded up once: the books may be a billionth of a
 * dollar high, never low. Stops at 2^53 nano-dollars (nine million dollars), where any budget
 * has refused long before.
 */
export function costOf(usage: Usage, price: Price): NanoUsd {
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens);
  const reasoning = Math.min(usage.reasoningTokens, usage.outputTokens);
  const uncached = usage.inputTokens - cached;
  const visible = usage.outputTokens - reasoning;
  const total =
    uncached * price.input +
    cached * price.cachedInput +
    visible * price.output +
    reasoning * price.reasoning;
  // Every part is non-negative, so a sum below 2^53 means that no part was rounded either.
  if (total <= Number.MAX_SAFE_INTEGER) return nanoUsd(Math.ceil(total / PRICE_UNITS_PER_NANO_USD));
  const exact =
    BigInt(uncached) * BigInt(price.input) +
    BigInt(cached) * BigInt(price.cachedInput) +
    BigInt(visible) * BigInt(price.output) +
    BigInt(reasoning) * BigInt(price.reasoning);
  const unit = BigInt(PRICE_UNITS_PER_NANO_USD);
  return nanoUsd(Math.min(Number((exact + unit - 1n) / unit), Number.MAX_SAFE_INTEGER));
}

/**
 * A price from dollars per million tokens. Finer than a micro-dollar per million tokens is rounded
 * up to the next one. Expects finite, non-negative numbers below nine billion.
 */
export function priceFromUsdPerMillion(usd: UsdPerMillion): Price {
  return {
    input: toMicroUsd(usd.input),
    cachedInput: toMicroUsd(usd.cachedInput ?? usd.input),
    output: toMicroUsd(usd.output),
    reasoning: toMicroUsd(usd.reasoning ?? usd.output),
  };
}

function toMicroUsd(usd: number): number {
  const exact = usd * MICRO_USD_PER_USD;
  const nearest = Math.round(exact);
  // 1.1 × 10^6 may come out a hair above 1_100_000; such noise is not worth a micro-dollar.
  const noise = Math.max(1, Math.abs(exact)) * 4 * Number.EPSILON;
  const microUsd = Math.abs(exact - nearest) <= noise ? nearest : Math.ceil(exact);
  assert(Number.isSafeInteger(microUsd) && microUsd >= 0, `a price cannot be ${usd} dollars`);
  return microUsd;
}
