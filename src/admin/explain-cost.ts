import { nanoUsd, toUsdString } from '../core/money.ts';
import type { Price } from '../core/price.ts';
import type { Usage } from '../core/usage.ts';
import { costInLines } from '../pricing/cost-lines.ts';
import type { CostView } from './explain-schemas.ts';

interface Booked {
  readonly usage: Usage;
  readonly price: Price | null;
  readonly gpuUs: number;
  readonly costNanoUsd: number | null;
}

/** The arithmetic of a cost, line by line, held against what was booked. */
export function toCostView({ usage, price, gpuUs, costNanoUsd }: Booked): CostView {
  const cost_usd = costNanoUsd === null ? null : toUsdString(nanoUsd(costNanoUsd));
  if (price === null) {
    return { cost_usd, above_input_tokens: null, lines: [], exact_usd: null, agrees: null };
  }
  const found = costInLines(usage, price, gpuUs);
  return {
    cost_usd,
    above_input_tokens: found.aboveInputTokens,
    lines: found.lines.map(({ what, count, rate, picoUsd }) => ({
      what: NAMES[what],
      count,
      rate_usd: microToUsd(rate),
      usd: picoToUsd(picoUsd),
    })),
    exact_usd: picoToUsd(found.picoUsd),
    agrees: found.costNanoUsd === costNanoUsd,
  };
}

const NAMES = {
  input: 'input',
  cachedInput: 'cached_input',
  cacheWrite: 'cache_write',
  audioInput: 'audio_input',
  imageInput: 'image_input',
  output: 'output',
  reasoning: 'reasoning',
  audioOutput: 'audio_output',
  imageOutput: 'image_output',
  gpuTime: 'gpu_time',
} as const;

function microToUsd(micro: number): string {
  return toUsdString(BigInt(micro) * 1_000n);
}

const PICO_PER_USD = 1_000_000_000_000n;

/** Trillionths of a dollar as an exact decimal string of dollars. */
function picoToUsd(pico: bigint): string {
  const fraction = String(pico % PICO_PER_USD)
    .padStart(12, '0')
    .replace(/0+$/, '');
  const whole = String(pico / PICO_PER_USD);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
