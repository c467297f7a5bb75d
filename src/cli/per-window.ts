import { InvalidArgumentError } from 'commander';
import { WINDOWS, type Window } from '../core/key.ts';

/** `25/month`: dollars as they were written, a slash, a calendar window. */
export function parseUsdPerWindow(text: string): { amount: string; window: Window } {
  const [, amount, word] = /^\$?(\d+(?:\.\d+)?)\/([a-z]+)$/.exec(text) ?? [];
  const window = findWindow(word);
  if (amount !== undefined && window !== undefined) return { amount, window };
  throw new InvalidArgumentError(
    `Write dollars and a window, such as 25/month; windows are ${WINDOWS.join(', ')}.`,
  );
}

/** `1000000/day`, with `k`, `M` or `_` where people write them. */
export function parseTokensPerWindow(text: string): { amount: number; window: Window } {
  const [, count, word] = /^([^/]+)\/([a-z]+)$/.exec(text) ?? [];
  const amount = count === undefined ? undefined : findTokens(count);
  const window = findWindow(word);
  if (amount !== undefined && window !== undefined) return { amount, window };
  throw new InvalidArgumentError(
    `Write tokens and a window, such as 1000000/day; windows are ${WINDOWS.join(', ')}.`,
  );
}

export function findWindow(word: string | undefined): Window | undefined {
  return WINDOWS.find((known) => known === word);
}

/** A whole number of tokens from 1: `1000000`, `1_000_000`, `500k`, `2M`; undefined for others. */
export function findTokens(text: string): number | undefined {
  const [, digits, unit] = /^(\d[\d_]*)(k|M)?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const factor = unit === 'M' ? 1_000_000 : unit === 'k' ? 1_000 : 1;
  const tokens = Number(digits.replaceAll('_', '')) * factor;
  return Number.isSafeInteger(tokens) && tokens >= 1 ? tokens : undefined;
}
