import type { NanoUsd } from '../core/money.ts';
import type { Price, Rates } from '../core/price.ts';
import type { Usage } from '../core/usage.ts';
import { costOf, RATE_NAMES, ratesAt, tokensByRate } from './cost.ts';

/** One part of a cost: so many tokens at a rate, or GPU time. */
export interface CostLine {
  readonly what: keyof Rates | 'gpuTime';
  /** Tokens, or microseconds of GPU time. */
  readonly count: number;
  /** Micro-dollars for a million tokens, or for an hour. */
  readonly rate: number;
  /** Trillionths of a dollar, which a token at any rate is a whole number of; GPU time is rounded up. */
  readonly picoUsd: bigint;
}

/** A cost with its arithmetic. */
export interface CostInLines {
  /** What was used; nothing is left out but what was not. */
  readonly lines: readonly CostLine[];
  /** The tier whose rates these are; null for the usual ones. */
  readonly aboveInputTokens: number | null;
  /** Before it is rounded up. */
  readonly picoUsd: bigint;
  readonly costNanoUsd: NanoUsd;
}

/** An hour of microseconds at micro-dollars an hour, in trillionths of a dollar. */
const GPU_UNITS_PER_PICO_USD = 3_600n;

/** What `costOf` sums, part by part. */
export function costInLines(usage: Usage, price: Price, gpuUs: number): CostInLines {
  const rates = ratesAt(price, usage.inputTokens);
  const tokens = tokensByRate(usage);
  const lines: CostLine[] = [];
  for (const what of RATE_NAMES) {
    const count = tokens[what];
    if (count === 0) continue;
    // Micro-dollars for a million are millionths of a millionth for one.
    const picoUsd = BigInt(count) * BigInt(rates[what]);
    lines.push({ what, count, rate: rates[what], picoUsd });
  }
  if (price.gpuHour !== 0 && gpuUs !== 0) {
    const units = BigInt(price.gpuHour) * BigInt(gpuUs);
    const picoUsd = (units + GPU_UNITS_PER_PICO_USD - 1n) / GPU_UNITS_PER_PICO_USD;
    lines.push({ what: 'gpuTime', count: gpuUs, rate: price.gpuHour, picoUsd });
  }
  const tier = price.tiers.findLast(({ aboveInputTokens }) => usage.inputTokens > aboveInputTokens);
  return {
    lines,
    aboveInputTokens: tier?.aboveInputTokens ?? null,
    picoUsd: lines.reduce((sum, line) => sum + line.picoUsd, 0n),
    costNanoUsd: costOf(usage, price, gpuUs),
  };
}
