import type { Price, PriceTier, Rates } from '../core/price.ts';

/**
 * A price as `prices` keeps it and the hash chain covers it: JSON with every rate, in this order,
 * in micro-dollars per million tokens. Equal prices have equal texts.
 */
export function toPriceText(price: Price): string {
  return JSON.stringify({
    ...toRatesObject(price),
    tiers: price.tiers.map((tier) => ({
      above_input_tokens: tier.aboveInputTokens,
      ...toRatesObject(tier),
    })),
    gpu_hour: price.gpuHour,
  });
}

/** Expects a text that `toPriceText` made. */
export function fromPriceText(text: string): Price {
  const stored: StoredPrice = JSON.parse(text);
  return {
    ...fromRatesObject(stored),
    tiers: stored.tiers.map(
      (tier): PriceTier => ({
        aboveInputTokens: tier.above_input_tokens,
        ...fromRatesObject(tier),
      }),
    ),
    gpuHour: stored.gpu_hour,
  };
}

interface StoredRates {
  readonly input: number;
  readonly cached_input: number;
  readonly cache_write: number;
  readonly audio_input: number;
  readonly image_input: number;
  readonly output: number;
  readonly reasoning: number;
  readonly audio_output: number;
  readonly image_output: number;
}

interface StoredPrice extends StoredRates {
  readonly tiers: readonly (StoredRates & { readonly above_input_tokens: number })[];
  readonly gpu_hour: number;
}

function toRatesObject(rates: Rates): StoredRates {
  return {
    input: rates.input,
    cached_input: rates.cachedInput,
    cache_write: rates.cacheWrite,
    audio_input: rates.audioInput,
    image_input: rates.imageInput,
    output: rates.output,
    reasoning: rates.reasoning,
    audio_output: rates.audioOutput,
    image_output: rates.imageOutput,
  };
}

function fromRatesObject(stored: StoredRates): Rates {
  return {
    input: stored.input,
    cachedInput: stored.cached_input,
    cacheWrite: stored.cache_write,
    audioInput: stored.audio_input,
    imageInput: stored.image_input,
    output: stored.output,
    reasoning: stored.reasoning,
    audioOutput: stored.audio_output,
    imageOutput: stored.image_output,
  };
}
