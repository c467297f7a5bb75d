import type { Price } from '../core/price.ts';
import { priceFromUsdPerMillion, type UsdRates } from '../pricing/price-from-usd.ts';

/** Rates as the file has them, in USD per million tokens. */
interface RateSettings {
  readonly input?: number | undefined;
  readonly cached_input?: number | undefined;
  readonly cache_write?: number | undefined;
  readonly audio_input?: number | undefined;
  readonly image_input?: number | undefined;
  readonly output?: number | undefined;
  readonly reasoning?: number | undefined;
  readonly audio_output?: number | undefined;
  readonly image_output?: number | undefined;
}

/** A price as the file has it. The schema sees to it that it prices tokens, GPU time or both. */
export interface PriceSettings extends RateSettings {
  readonly tiers?: readonly (RateSettings & { readonly above: number })[] | undefined;
  /** USD for an hour of one GPU. */
  readonly gpu_hour?: number | undefined;
  /** How many of them serve the model; 1 by default. */
  readonly gpus?: number | undefined;
}

/** Tokens without a price cost nothing beside the GPU time that is paid for anyway. */
export function resolvePrice(settings: PriceSettings): Price {
  return priceFromUsdPerMillion({
    ...toRates(settings),
    tiers: settings.tiers?.map((tier) => ({
      aboveInputTokens: tier.above,
      ...toRates(tier),
    })),
    gpuHour: (settings.gpu_hour ?? 0) * (settings.gpus ?? 1),
  });
}

function toRates(settings: RateSettings): UsdRates {
  return {
    input: settings.input ?? 0,
    cachedInput: settings.cached_input,
    cacheWrite: settings.cache_write,
    audioInput: settings.audio_input,
    imageInput: settings.image_input,
    output: settings.output ?? 0,
    reasoning: settings.reasoning,
    audioOutput: settings.audio_output,
    imageOutput: settings.image_output,
  };
}
