import type { Price, Rates } from '../core/price.ts';

/**
 * What so many tokens would cost, in micro-dollars per million, to compare targets with; null where
 * nobody has said. GPU-hours are left out: they cost the same whether they are used or not.
 */
export function compareCost(
  price: Price | null,
  inputTokens: number,
  outputTokens: number,
): number | null {
  if (price === null) return null;
  let rates: Rates = price;
  for (const tier of price.tiers) {
    if (inputTokens <= tier.aboveInputTokens) break;
    rates = tier;
  }
  return rates.input * inputTokens + rates.output * outputTokens;
}
