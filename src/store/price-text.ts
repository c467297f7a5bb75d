import type { Price, PriceTier, Rates } from '../core/price.ts';

/**
 * A price as `prices` keeps it and the hash chain covers it: JSON, in micro-dollars per million
 * tokens, `gpu_hour` in micro-dollars. As short as it can be, because every row of the chain has
 * it: kinds of tokens that cost what input or output does are left out, and so are no tiers and
 * free GPU time. Equal prices have equal texts.
 */
export function toPriceText(price: Price): string {
  return JSON.stringify({
    ...toStoredRates(price),
    tiers:
      price.tiers.length === 0
        ? undefined
        : price.tiers.map((tier) => ({
            above_input_tokens: tier.aboveInputTokens,
            ...toStoredRates(tier),
          })),
    gpu_hour: price.gpuHour === 0 ? undefined : price.gpuHour,
  });
}

/** Expects a text that `toPriceText` made. */
export function fromPriceText(text: string): Price {
  const stored: StoredPrice = JSON.parse(text);
  return {
    ...fromStoredRates(stored),
    tiers: (stored.tiers ?? []).map(
      (tier): PriceTier => ({
        aboveInputTokens: tier.above_input_tokens,
        ...fromStoredRates(tier),
      }),
    ),
    gpuHour: stored.gpu_hour ?? 0,
  };
}

interface StoredRates {
  readonly input: number;
  readonly cached_input?: number | undefined;
  readonly cache_write?: number | undefined;
  readonly audio_input?: number | undefined;
  readonly image_input?: number | undefined;
  readonly output: number;
  readonly reasoning?: number | undefined;
  readonly audio_output?: number | undefined;
  readonly image_output?: number | undefined;
}

interface StoredPrice extends StoredRates {
  readonly tiers?: readonly (StoredRates & { readonly above_input_tokens: number })[];
  readonly gpu_hour?: number;
}

function toStoredRates(rates: Rates): StoredRates {
  const { input, output } = rates;
  const unless = (usual: number, rate: number) => (rate === usual ? undefined : rate);
  return {
    input,
    cached_input: unless(input, rates.cachedInput),
    cache_write: unless(input, rates.cacheWrite),
    audio_input: unless(input, rates.audioInput),
    image_input: unless(input, rates.imageInput),
    output,
    reasoning: unless(output, rates.reasoning),
    audio_output: unless(output, rates.audioOutput),
    image_output: unless(output, rates.imageOutput),
  };
}

function fromStoredRates(stored: StoredRates): Rates {
  const { input, output } = stored;
  return {
    input,
    cachedInput: stored.cached_input ?? input,
    cacheWrite: stored.cache_write ?? input,
    audioInput: stored.audio_input ?? input,
    imageInput: stored.image_input ?? input,
    output,
    reasoning: stored.reasoning ?? output,
    audioOutput: stored.audio_output ?? output,
    imageOutput: stored.image_output ?? output,
  };
}
