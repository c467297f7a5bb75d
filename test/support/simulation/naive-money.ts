import type { Price, Rates } from '../../../src/core/price.ts';
import type { Usage } from '../../../src/core/usage.ts';

/*
 * Money, worked out a second time: rational numbers in bigints, and no word of the code that is
 * checked with them.
 */

const GPU_UNITS = 3_600n;
const UNITS_PER_NANO_USD = 3_600_000n;

function ceilDivide(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function tierOf(price: Price, inputTokens: number): Rates {
  return price.tiers.findLast(({ aboveInputTokens: above }) => inputTokens > above) ?? price;
}

/** Parts are disjoint here, as vendors and the books have them. */
export function naiveCost(usage: Usage, price: Price | null, gpuUs: number): number | null {
  if (price === null) return null;
  const at = tierOf(price, usage.inputTokens);
  const inParts: [number, number][] = [
    [usage.cachedInputTokens, at.cachedInput],
    [usage.cacheWriteTokens, at.cacheWrite],
    [usage.audioInputTokens, at.audioInput],
    [usage.imageInputTokens, at.imageInput],
  ];
  const outParts: [number, number][] = [
    [usage.reasoningTokens, at.reasoning],
    [usage.audioOutputTokens, at.audioOutput],
    [usage.imageOutputTokens, at.imageOutput],
  ];
  const sum = (whole: number, plain: number, parts: [number, number][]) =>
    parts.reduce(
      (units, [tokens, rate]) => units + BigInt(tokens) * BigInt(rate - plain),
      BigInt(whole) * BigInt(plain),
    );
  const tokens =
    sum(usage.inputTokens, at.input, inParts) + sum(usage.outputTokens, at.output, outParts);
  const units = tokens * GPU_UNITS + BigInt(price.gpuHour) * BigInt(gpuUs);
  return Number(ceilDivide(units, UNITS_PER_NANO_USD));
}

export interface NaiveWorst {
  readonly inputTokens: number;
  /** All choices together. */
  readonly outputTokens: number;
  readonly gpuUs: number;
}

/** The most that a request can cost on any of its targets. */
export function naiveHold(worst: NaiveWorst, prices: readonly (Price | null)[]): number {
  const costs = prices.map((price) => (price === null ? 0 : dearestOf(worst, price)));
  return Math.max(0, ...costs);
}

function dearestOf({ inputTokens, outputTokens, gpuUs }: NaiveWorst, price: Price): number {
  const reachable: Rates[] = [
    price,
    ...price.tiers.filter(({ aboveInputTokens: above }) => inputTokens * 2 > above),
  ];
  const costs = reachable.map((rates) => {
    const { input, cachedInput, cacheWrite, audioInput, imageInput } = rates;
    const dearIn = Math.max(input, cachedInput, cacheWrite, audioInput, imageInput);
    const { output, reasoning, audioOutput, imageOutput } = rates;
    const dearOut = Math.max(output, reasoning, audioOutput, imageOutput);
    const units =
      (BigInt(inputTokens) * BigInt(dearIn) + BigInt(outputTokens) * BigInt(dearOut)) * GPU_UNITS +
      BigInt(price.gpuHour) * BigInt(gpuUs);
    return Number(ceilDivide(units, UNITS_PER_NANO_USD));
  });
  return Math.max(...costs);
}
