import { type NanoUsd, nanoUsd } from '../core/money.ts';
import type { Price, Rates } from '../core/price.ts';
import type { Usage } from '../core/usage.ts';

/** Micro-dollars per million tokens to nano-dollars per token. */
const TOKEN_UNITS_PER_NANO_USD = 1_000;
/** Micro-dollars an hour times microseconds to nano-dollars. */
const GPU_UNITS_PER_NANO_USD = 3_600_000;
const GPU_UNITS_PER_TOKEN_UNIT = GPU_UNITS_PER_NANO_USD / TOKEN_UNITS_PER_NANO_USD;

/**
 * What a request costs: its tokens at the rates of the tier that its input reaches, and `gpuUs`
 * microseconds of GPU time. All parts are summed exactly and rounded up once: the books may be a
 * billionth of a dollar high, never low. Stops at 2^53 nano-dollars (nine million dollars), where
 * any budget has refused long before.
 */
export function costOf(usage: Usage, price: Price, gpuUs: number): NanoUsd {
  const tokens = tokensByRate(usage);
  const rates = ratesAt(price, usage.inputTokens);
  const tokenUnits =
    tokens.input * rates.input +
    tokens.cachedInput * rates.cachedInput +
    tokens.cacheWrite * rates.cacheWrite +
    tokens.audioInput * rates.audioInput +
    tokens.imageInput * rates.imageInput +
    tokens.output * rates.output +
    tokens.reasoning * rates.reasoning +
    tokens.audioOutput * rates.audioOutput +
    tokens.imageOutput * rates.imageOutput;
  // Every part is non-negative, so a sum below 2^53 means that no part was rounded either.
  if (price.gpuHour === 0 || gpuUs === 0) {
    if (tokenUnits <= Number.MAX_SAFE_INTEGER) {
      return nanoUsd(Math.ceil(tokenUnits / TOKEN_UNITS_PER_NANO_USD));
    }
  } else {
    const units = tokenUnits * GPU_UNITS_PER_TOKEN_UNIT + price.gpuHour * gpuUs;
    if (units <= Number.MAX_SAFE_INTEGER) return nanoUsd(Math.ceil(units / GPU_UNITS_PER_NANO_USD));
  }
  let units = BigInt(price.gpuHour) * BigInt(gpuUs);
  for (const name of RATE_NAMES) {
    units += BigInt(tokens[name]) * BigInt(rates[name]) * BigInt(GPU_UNITS_PER_TOKEN_UNIT);
  }
  const unit = BigInt(GPU_UNITS_PER_NANO_USD);
  return nanoUsd(Math.min(Number((units + unit - 1n) / unit), Number.MAX_SAFE_INTEGER));
}

/** The rates for every token of a request that reads so much. */
export function ratesAt(price: Price, inputTokens: number): Rates {
  let rates: Rates = price;
  for (const tier of price.tiers) if (inputTokens > tier.aboveInputTokens) rates = tier;
  return rates;
}

/** Every rate there is, input first. */
export const RATE_NAMES = [
  ...(['input', 'cachedInput', 'cacheWrite', 'audioInput', 'imageInput'] as const),
  ...(['output', 'reasoning', 'audioOutput', 'imageOutput'] as const),
] satisfies readonly (keyof Rates)[];

/** The disjoint tokens that each rate applies to. Parts larger than their whole are cut to it. */
export function tokensByRate(usage: Usage): Record<keyof Rates, number> {
  let input = usage.inputTokens;
  const cachedInput = Math.min(usage.cachedInputTokens, input);
  input -= cachedInput;
  const cacheWrite = Math.min(usage.cacheWriteTokens, input);
  input -= cacheWrite;
  const audioInput = Math.min(usage.audioInputTokens, input);
  input -= audioInput;
  const imageInput = Math.min(usage.imageInputTokens, input);
  input -= imageInput;
  let output = usage.outputTokens;
  const reasoning = Math.min(usage.reasoningTokens, output);
  output -= reasoning;
  const audioOutput = Math.min(usage.audioOutputTokens, output);
  output -= audioOutput;
  const imageOutput = Math.min(usage.imageOutputTokens, output);
  output -= imageOutput;
  return {
    input,
    cachedInput,
    cacheWrite,
    audioInput,
    imageInput,
    output,
    reasoning,
    audioOutput,
    imageOutput,
  };
}
