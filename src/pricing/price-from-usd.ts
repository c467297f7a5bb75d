import { assert } from '../core/assert.ts';
import type { Price, PriceTier, Rates } from '../core/price.ts';

/** Rates in dollars per million tokens, as vendors and operators write them. */
export interface UsdRates {
  readonly input: number;
  /** Default to the price of input. */
  readonly cachedInput?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly audioInput?: number | undefined;
  readonly imageInput?: number | undefined;
  readonly output: number;
  /** Default to the price of output. */
  readonly reasoning?: number | undefined;
  readonly audioOutput?: number | undefined;
  readonly imageOutput?: number | undefined;
}

/** Rates that hold from more than so many input tokens on; what is left out follows its own input and output. */
export interface UsdTier extends UsdRates {
  readonly aboveInputTokens: number;
}

export interface UsdPrice extends UsdRates {
  /** In any order; none by default. */
  readonly tiers?: readonly UsdTier[] | undefined;
  /** Dollars for an hour of all GPUs together; 0 by default. */
  readonly gpuHour?: number | undefined;
}

const MICRO_USD_PER_USD = 1_000_000;

/**
 * A price from dollars per million tokens and per hour. Finer than a micro-dollar is rounded up to
 * the next one. Expects finite, non-negative numbers below nine billion.
 */
export function priceFromUsdPerMillion(usd: UsdPrice): Price {
  const tiers: PriceTier[] = (usd.tiers ?? []).map((tier) => ({
    aboveInputTokens: tier.aboveInputTokens,
    ...toRates(tier),
  }));
  tiers.sort((a, b) => a.aboveInputTokens - b.aboveInputTokens);
  return { ...toRates(usd), tiers, gpuHour: toMicroUsd(usd.gpuHour ?? 0) };
}

function toRates(usd: UsdRates): Rates {
  const { input, output } = usd;
  return {
    input: toMicroUsd(input),
    cachedInput: toMicroUsd(usd.cachedInput ?? input),
    cacheWrite: toMicroUsd(usd.cacheWrite ?? input),
    audioInput: toMicroUsd(usd.audioInput ?? input),
    imageInput: toMicroUsd(usd.imageInput ?? input),
    output: toMicroUsd(output),
    reasoning: toMicroUsd(usd.reasoning ?? output),
    audioOutput: toMicroUsd(usd.audioOutput ?? output),
    imageOutput: toMicroUsd(usd.imageOutput ?? output),
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
