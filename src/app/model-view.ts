import type { ModelView, PriceView } from '../admin/gateway-schemas.ts';
import type { ModelConfig } from '../config/config.ts';
import type { Price, Rates } from '../core/price.ts';
import type { Model } from '../routing/model-table.ts';

/** A model as operators see it. `configured` is its entry in the file, if it has one. */
export function toModelView(model: Model, configured: ModelConfig | undefined): ModelView {
  return {
    name: model.name,
    aliases: [...(configured?.aliases ?? [])],
    source: model.configured ? 'config' : 'discovered',
    targets: model.targets.map(({ backend, model: name, price }) => ({
      backend,
      model: name,
      price: toPriceView(price),
    })),
    price: toPriceView(model.price),
    context_tokens: model.contextTokens,
    max_output_tokens: model.maxOutputTokens,
  };
}

function toPriceView(price: Price | null): PriceView | null {
  if (price === null) return null;
  return {
    ...toRatesView(price),
    tiers: price.tiers.map((tier) => ({
      above_input_tokens: tier.aboveInputTokens,
      ...toRatesView(tier),
    })),
    gpu_hour_usd: microToUsd(price.gpuHour),
  };
}

function toRatesView(rates: Rates) {
  return {
    input_per_million_usd: microToUsd(rates.input),
    cached_input_per_million_usd: microToUsd(rates.cachedInput),
    cache_write_per_million_usd: microToUsd(rates.cacheWrite),
    audio_input_per_million_usd: microToUsd(rates.audioInput),
    image_input_per_million_usd: microToUsd(rates.imageInput),
    output_per_million_usd: microToUsd(rates.output),
    reasoning_per_million_usd: microToUsd(rates.reasoning),
    audio_output_per_million_usd: microToUsd(rates.audioOutput),
    image_output_per_million_usd: microToUsd(rates.imageOutput),
  };
}

/** Micro-dollars as an exact decimal string of dollars. */
function microToUsd(micro: number): string {
  const fraction = String(micro % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = String(Math.floor(micro / 1_000_000));
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
