import type { Price } from '../../src/core/price.ts';
import { priceFromUsdPerMillion } from '../../src/pricing/price-from-usd.ts';

/** Rates in micro-dollars per million tokens; what is left out follows `input` and `output`. */
export function somePrice(
  change: Partial<Price> & { readonly input: number; readonly output: number },
): Price {
  const free = priceFromUsdPerMillion({ input: 0, output: 0 });
  const { input, output } = change;
  return {
    ...free,
    ...{ cachedInput: input, cacheWrite: input, audioInput: input, imageInput: input },
    ...{ reasoning: output, audioOutput: output, imageOutput: output },
    ...change,
  };
}
