import { assert } from './assert.ts';

/** A billionth of a US dollar, always an integer. 2^53 of them are nine million dollars. */
export type NanoUsd = number & { readonly unit: 'nano-usd' };

export const NANO_PER_USD = 1_000_000_000;

/** Brands an integer as money. Throws on fractions, negatives and anything past 2^53. */
export function nanoUsd(value: number): NanoUsd {
  assert(
    Number.isSafeInteger(value) && value >= 0,
    `money is a safe non-negative integer, got ${value}`,
  );
  return value as NanoUsd;
}

export const ZERO_USD = 0 as NanoUsd;

/** Dollars as an operator writes them (`25`, `0.5`) to nano-dollars, rounded to the nearest. */
export function fromUsd(dollars: number): NanoUsd {
  return nanoUsd(Math.round(dollars * NANO_PER_USD));
}

/** An exact decimal string for JSON (`"0.000123"`), no trailing zeros. Takes bigint for sums. */
export function toUsdString(amount: NanoUsd | bigint): string {
  if (typeof amount === 'number') {
    const fraction = amount % NANO_PER_USD;
    return joinUsd('', String((amount - fraction) / NANO_PER_USD), String(fraction));
  }
  const absolute = amount < 0n ? -amount : amount;
  const perUsd = BigInt(NANO_PER_USD);
  return joinUsd(amount < 0n ? '-' : '', String(absolute / perUsd), String(absolute % perUsd));
}

function joinUsd(sign: string, whole: string, nano: string): string {
  if (nano === '0') return `${sign}${whole}`;
  const digits = nano.padStart(9, '0');
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return `${sign}${whole}.${digits.slice(0, end)}`;
}
